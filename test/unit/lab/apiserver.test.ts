import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import { clientOf, watch } from './client.ts'

const container = { name: 'app', image: 'app:1' }

function pod(
  name: string,
  namespace: string,
  labels: Record<string, string> = {},
): {
  metadata: { name: string; namespace: string; labels: Record<string, string> }
  spec: { containers: { name: string; image: string }[] }
} {
  return { metadata: { name, namespace, labels }, spec: { containers: [container] } }
}

describe('the embedded API server', () => {
  let api: ApiServer

  beforeEach(async () => {
    api = await startApiServer({ namespaces: ['shop', 'sensors'] })
  })

  afterEach(async () => {
    await api.close()
  })

  it('given a pod, when it is created over HTTPS, then it comes back named, stamped and defaulted', async () => {
    const admin = clientOf(api, api.adminToken)
    const body = { metadata: { generateName: 'web-' }, spec: { containers: [container] } }
    const reply = await admin('POST', '/api/v1/namespaces/shop/pods', body)
    expect(reply.status).toBe(201)
    expect(reply.body.metadata).toMatchObject({
      name: expect.stringMatching(/^web-[b-z2-9]{5}$/),
      namespace: 'shop',
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      creationTimestamp: expect.stringMatching(/Z$/),
    })
    const read = await admin('GET', `/api/v1/namespaces/shop/pods/${reply.body.metadata.name}`)
    expect(read.body).toEqual(reply.body)
    expect(read.body).toMatchObject({
      spec: { serviceAccountName: 'default', restartPolicy: 'Always' },
      status: { phase: 'Pending' },
    })
  })

  it('lists one namespace or all of them, by equality and by set', async () => {
    await api.pods.create(pod('a', 'shop', { app: 'web', tier: 'front' }))
    await api.pods.create(pod('b', 'shop', { app: 'db' }))
    await api.pods.create(pod('c', 'sensors', { run: 'zeek' }))
    const admin = clientOf(api, api.adminToken)
    const names = async (path: string): Promise<string[]> =>
      (await admin('GET', path)).body.items.map((item) => item.metadata.name)
    const select = (selector: string): string => `/api/v1/pods?labelSelector=${encodeURIComponent(selector)}`
    expect(await names('/api/v1/namespaces/shop/pods')).toEqual(['a', 'b'])
    expect(await names('/api/v1/pods')).toEqual(['c', 'a', 'b'])
    expect(await names(select('app=web'))).toEqual(['a'])
    expect(await names(select('app!=web'))).toEqual(['c', 'b'])
    expect(await names(select('app in (web, db),tier'))).toEqual(['a'])
    expect(await names(select('app notin (web),!run'))).toEqual(['b'])
    expect((await admin('GET', select('=x'))).status).toBe(400)
  })

  it('watches from a resourceVersion, and sends what stops matching as DELETED', async () => {
    const first = await api.pods.create(pod('a', 'shop', { run: 'zeek' }))
    const path = `/api/v1/namespaces/shop/pods?watch=1&labelSelector=run%3Dzeek&resourceVersion=${first.metadata.resourceVersion}`
    const watching = await watch(api, api.adminToken, path)
    await api.pods.create(pod('b', 'shop', { run: 'zeek' }))
    await api.pods.create(pod('other', 'shop'))
    api.pods.patch('shop', 'a', { metadata: { labels: { run: 'other' } } })
    api.pods.setStatus('shop', 'b', { phase: 'Running' })
    api.pods.patch('shop', 'a', { metadata: { labels: { run: 'zeek' } } })
    api.pods.delete('shop', 'b')
    const events = await watching.until(5)
    expect(events.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
      'ADDED b',
      'DELETED a',
      'MODIFIED b',
      'ADDED a',
      'DELETED b',
    ])
    expect(events[1]?.object.metadata.labels).toEqual({ run: 'zeek' })
    watching.close()
  })
})
