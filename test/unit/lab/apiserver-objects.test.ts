/** Pages, watches that are too old, and the life of a pod: as the real server does it. */
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Pod } from '../../../lab/apiserver/objects.ts'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import type { Change } from '../../../lab/apiserver/store.ts'
import { type Client, clientOf, watch } from './client.ts'

const pod = (name: string, fields: Partial<Pod> = {}): Pod => ({
  metadata: { name, namespace: 'shop', labels: { run: 'zeek' } },
  spec: { containers: [{ name: 'app', image: 'app:1' }] },
  ...fields,
})

describe('objects of the embedded API server', () => {
  let api: ApiServer
  let admin: Client

  beforeEach(async () => {
    api = await startApiServer({ namespaces: ['shop', 'sensors'] })
    admin = clientOf(api, api.adminToken)
  })
  afterEach(() => api.close())

  describe('lists', () => {
    it('come in pages that show one moment', async () => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await api.pods.create(pod(name))
      const names: string[] = []
      const versions = new Set<string | undefined>()
      let more = ''
      do {
        const page = await admin('GET', `/api/v1/namespaces/shop/pods?limit=2&continue=${encodeURIComponent(more)}`)
        names.push(...page.body.items.map((item) => item.metadata.name))
        versions.add(page.body.metadata.resourceVersion)
        more = page.body.metadata.continue ?? ''
        if (names.length === 2) {
          expect(page.body.metadata.remainingItemCount).toBe(3)
          api.pods.delete('shop', 'd')
        }
      } while (more !== '')
      expect(names).toEqual(['a', 'b', 'c', 'd', 'e'])
      expect(versions.size).toBe(1)
    })

    it('given a compaction between two pages, then answers 410', async () => {
      for (const name of ['a', 'b']) await api.pods.create(pod(name))
      const page = await admin('GET', '/api/v1/pods?limit=1')
      api.compact()
      const next = await admin('GET', `/api/v1/pods?limit=1&continue=${page.body.metadata.continue}`)
      expect(next.status).toBe(410)
      expect(next.body.reason).toBe('Expired')
    })

    it('refuses a continue that it never gave', async () => {
      expect((await admin('GET', '/api/v1/pods?continue=made-up')).status).toBe(400)
    })
  })

  describe('watches', () => {
    it('given no resourceVersion, then begin with what is there', async () => {
      await api.pods.create(pod('a'))
      const watching = await watch(api, api.adminToken, '/api/v1/pods?watch=true')
      expect((await watching.until(1))[0]).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } })
      watching.close()
    })

    it('given a resourceVersion from before a compaction, then get 410, in the stream or as the status', async () => {
      const old = api.resourceVersion
      await api.pods.create(pod('a'))
      api.compact()
      const path = `/api/v1/pods?watch=1&resourceVersion=${old}`
      const watching = await watch(api, api.adminToken, path)
      expect(watching.status).toBe(200)
      expect((await watching.until(1))[0]).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
      await watching.ended
      api.compact('status')
      expect((await admin('GET', path)).status).toBe(410)
    })

    it('given a resourceVersion from the future, then answer 504', async () => {
      const reply = await admin('GET', `/api/v1/pods?watch=1&resourceVersion=${api.resourceVersion + 5}`)
      expect(reply.status).toBe(504)
      expect(reply.body.message).toContain('Too large resource version')
    })

    it('send bookmarks to those that asked, and one before they end', async () => {
      const from = `resourceVersion=${api.resourceVersion}&watch=1`
      const plain = await watch(api, api.adminToken, `/api/v1/pods?${from}`)
      const marked = await watch(api, api.adminToken, `/api/v1/pods?${from}&allowWatchBookmarks=true&timeoutSeconds=1`)
      await api.namespaces.create({ metadata: { name: 'other' } })
      api.sendBookmarks()
      const expected = { type: 'BOOKMARK', object: { metadata: { resourceVersion: String(api.resourceVersion) } } }
      expect(await marked.until(1)).toMatchObject([expected])
      await marked.ended
      expect(marked.complete()).toBe(true)
      expect(marked.events).toMatchObject([expected, expected])
      expect(plain.events).toEqual([])
      plain.close()
    })

    it('tell listeners of the same process in the turn of the change', async () => {
      const seen: Change[] = []
      const leave = api.on('pods', (change) => seen.push(change))
      await api.pods.create(pod('a'))
      await api.namespaces.create({ metadata: { name: 'not-a-pod' } })
      leave()
      api.pods.delete('shop', 'a')
      expect(seen.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED a'])
    })
  })

  describe('pods', () => {
    it('are not made twice, nor where there is no namespace, nor without containers', async () => {
      await api.pods.create(pod('a'))
      const post = async (path: string, body: unknown): Promise<number> => (await admin('POST', path, body)).status
      expect(await post('/api/v1/namespaces/shop/pods', pod('a'))).toBe(409)
      expect(await post('/api/v1/namespaces/absent/pods', { ...pod('b'), metadata: { name: 'b' } })).toBe(404)
      expect(await post('/api/v1/namespaces/shop/pods', { metadata: { name: 'b' } })).toBe(422)
      expect(await post('/api/v1/namespaces/sensors/pods', pod('b'))).toBe(400)
      expect(await post('/api/v1/namespaces/shop/pods', { kind: 'Secret', metadata: { name: 'b' } })).toBe(400)
    })

    it('get their status through the subresource alone', async () => {
      await api.pods.create(pod('a'))
      const status = { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'False' }] }
      const path = '/api/v1/namespaces/shop/pods/a'
      const merge = { 'content-type': 'application/strategic-merge-patch+json' }
      await admin('PATCH', `${path}/status`, { status, metadata: { labels: { run: 'changed' } } }, merge)
      await admin('PATCH', `${path}/status`, { status: { conditions: [{ type: 'Ready', status: 'True' }] } }, merge)
      await admin('PATCH', path, { status: { phase: 'Failed' } }, merge)
      expect(api.pods.get('shop', 'a')).toMatchObject({
        metadata: { labels: { run: 'zeek' } },
        status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
      })
      const operations = [{ op: 'replace', path: '/metadata/labels/run', value: 'suricata' }]
      await admin('PATCH', path, operations, { 'content-type': 'application/json-patch+json' })
      expect(api.pods.get('shop', 'a').metadata.labels).toEqual({ run: 'suricata' })
    })

    it('are not overwritten by who has not seen the latest', async () => {
      const first = await api.pods.create(pod('a'))
      api.pods.patch('shop', 'a', { metadata: { labels: { run: 'new' } } })
      const reply = await admin('PUT', '/api/v1/namespaces/shop/pods/a', first)
      expect(reply.status).toBe(409)
      expect(reply.body.message).toContain('the object has been modified')
    })

    it('given a node, then terminate first and go when the kubelet deletes them with no grace left', async () => {
      await api.pods.create(pod('a'))
      api.pods.bind('shop', 'a', 'node-1')
      const path = '/api/v1/namespaces/shop/pods/a'
      expect((await admin('DELETE', path)).body.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 })
      api.pods.setStatus('shop', 'a', { phase: 'Succeeded' })
      expect(api.pods.get('shop', 'a').metadata.deletionTimestamp).toMatch(/Z$/)
      await admin('DELETE', `${path}?gracePeriodSeconds=0`)
      expect((await admin('GET', path)).status).toBe(404)
    })

    it('given no node, then go at once', async () => {
      await api.pods.create(pod('a'))
      await admin('DELETE', '/api/v1/namespaces/shop/pods/a')
      expect(api.pods.list()).toEqual([])
    })
  })

  it('answers 404 for what it does not serve', async () => {
    for (const path of [
      '/',
      '/api/v1/limitranges',
      '/apis/policy/v1/poddisruptionbudgets',
      '/api/v1/namespaces/shop/pods/a/log',
    ]) {
      expect((await admin('GET', path)).status).toBe(404)
    }
  })

  it('serves the official client: create, list, and an informer that follows', async () => {
    const config = new KubeConfig()
    config.loadFromOptions({
      clusters: [{ name: 'lab', server: api.url, caData: Buffer.from(api.ca).toString('base64') }],
      users: [{ name: 'admin', token: api.adminToken }],
      contexts: [{ name: 'lab', cluster: 'lab', user: 'admin' }],
      currentContext: 'lab',
    })
    const client = config.makeApiClient(CoreV1Api)
    const event = { metadata: { generateName: 'e-' }, involvedObject: { kind: 'Pod', name: 'a' }, reason: 'Injected' }
    await client.createNamespacedEvent({ namespace: 'shop', body: event })
    expect(api.events.list('shop')).toMatchObject([{ reason: 'Injected' }])
    await client.createNamespacedPod({
      namespace: 'shop',
      body: { metadata: { name: 'a' }, spec: { containers: [{ name: 'app' }] } },
    })
    expect((await client.listNamespacedPod({ namespace: 'shop' })).items[0]?.metadata?.name).toBe('a')
    const seen = Promise.withResolvers<string | undefined>()
    const informer = makeInformer(config, '/api/v1/namespaces/shop/pods', () =>
      client.listNamespacedPod({ namespace: 'shop' }),
    )
    informer.on('add', (added) => added.metadata?.name === 'b' && seen.resolve(added.metadata.name))
    informer.on('error', seen.reject)
    await informer.start()
    await api.pods.create(pod('b'))
    expect(await seen.promise).toBe('b')
    await informer.stop()
  })
})
