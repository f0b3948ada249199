import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import { clientOf, watch } from './client.ts'

describe('tokens and permission', () => {
  let api: ApiServer
  let now = Date.parse('2026-01-01T00:00:00Z')

  beforeEach(async () => {
    api = await startApiServer({ namespaces: ['shop', 'sensors'], now: () => now })
  })
  afterEach(() => api.close())

  it('given no token, or one that nobody issued, then answers 401', async () => {
    for (const token of [undefined, 'made-up']) {
      const reply = await clientOf(api, token)('GET', '/api/v1/pods')
      expect(reply.status).toBe(401)
      expect(reply.body).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 })
    }
  })

  it('given no grant, then answers 403 in the words of the real server', async () => {
    const client = clientOf(api, api.issueToken('shop/default'))
    const reply = await client('GET', '/api/v1/namespaces/sensors/pods')
    expect(reply.status).toBe(403)
    expect(reply.body.message).toBe(
      'pods is forbidden: User "system:serviceaccount:shop:default" cannot list resource "pods" in API group "" in the namespace "sensors"',
    )
    expect((await client('GET', '/api/v1/pods')).body.message).toBe(
      'pods is forbidden: User "system:serviceaccount:shop:default" cannot list resource "pods" in API group "" at the cluster scope',
    )
    expect((await client('DELETE', '/api/v1/namespaces/sensors/pods/a')).body.message).toMatch(
      /^pods "a" is forbidden: User "[^"]+" cannot delete resource "pods"/,
    )
  })

  it('grants by service account or group, verb, resource and namespace, and takes it back', async () => {
    const status = async (account: 'shop/default' | 'other/default', path: string): Promise<number> =>
      (await clientOf(api, api.issueToken(account))('GET', path)).status
    const withdraw = api.grant({ serviceAccount: 'shop/*', namespace: 'sensors', verbs: ['list'], resource: 'pods' })
    expect(await status('shop/default', '/api/v1/namespaces/sensors/pods')).toBe(200)
    expect(await status('other/default', '/api/v1/namespaces/sensors/pods')).toBe(403)
    expect(await status('shop/default', '/api/v1/namespaces/shop/pods')).toBe(403)
    expect(await status('shop/default', '/api/v1/pods')).toBe(403)
    expect(await status('shop/default', '/api/v1/namespaces/sensors/pods?watch=1')).toBe(403)
    expect(await status('shop/default', '/api/v1/namespaces/sensors/events')).toBe(403)
    api.grant({ serviceAccount: 'other/default', namespace: '*', verbs: ['*'], resource: '*' })
    expect(await status('other/default', '/api/v1/pods')).toBe(200)
    withdraw()
    expect(await status('shop/default', '/api/v1/namespaces/sensors/pods')).toBe(403)
  })

  it('when a token expires or is rotated, then it is worth nothing any more', async () => {
    api.grant({ serviceAccount: 'shop/default', namespace: '*', verbs: ['list'], resource: 'pods' })
    const status = async (token: string): Promise<number> => (await clientOf(api, token)('GET', '/api/v1/pods')).status
    const short = api.issueToken('shop/default', 60)
    expect(await status(short)).toBe(200)
    now += 60_000
    expect(await status(short)).toBe(401)
    const old = api.issueToken('shop/default')
    const fresh = api.rotateToken('shop/default')
    expect([await status(old), await status(fresh)]).toEqual([401, 200])
    api.expireTokens('shop/default')
    expect(await status(fresh)).toBe(401)
  })

  it('grants by the name of the object, which a list or a watch must select', async () => {
    const client = clientOf(api, api.issueToken('shop/default'))
    const status = async (path: string): Promise<number> =>
      (await client('GET', `/api/v1/namespaces/shop/secrets${path}`)).status
    const names = ['mine']
    const verbs = ['get', 'list'] as const
    api.grant({ serviceAccount: 'shop/default', namespace: 'shop', verbs, resource: 'secrets', names })
    expect(await status('/mine')).toBe(404)
    expect(await status('/other')).toBe(403)
    expect(await status('')).toBe(403)
    expect(await status('?fieldSelector=metadata.name%3Dother')).toBe(403)
    expect(await status('?fieldSelector=metadata.name%3Dmine')).toBe(200)
  })
})

describe('where it listens', () => {
  it('given ::, then on both families at one port, with a certificate for both', async () => {
    const api = await startApiServer({ host: '::' })
    for (const host of ['127.0.0.1', '::1']) {
      const reply = await clientOf({ host, port: api.port, ca: api.ca }, api.adminToken)('GET', '/api/v1/namespaces')
      expect(reply.body.items.map((item) => item.metadata.name)).toEqual(['default', 'kube-system'])
    }
    await api.close()
  })
})

describe('faults on demand', () => {
  let api: ApiServer

  beforeEach(async () => {
    api = await startApiServer({ namespaces: ['shop'] })
  })
  afterEach(() => api.close())

  it('fails the next requests, of one verb or of all, and counts every request', async () => {
    const admin = clientOf(api, api.adminToken)
    api.failNext(503, 2, 'list')
    const statuses: number[] = []
    for (const path of ['/api/v1/nodes', '/api/v1/namespaces/shop', '/api/v1/nodes', '/api/v1/nodes']) {
      statuses.push((await admin('GET', path)).status)
    }
    expect(statuses).toEqual([503, 200, 503, 200])
    expect(api.count()).toBe(4)
    expect(api.count({ verb: 'list', status: 503 })).toBe(2)
    expect(api.requests[1]).toMatchObject({ verb: 'get', resource: 'namespaces', user: 'lab-admin', status: 200 })
  })

  it('when it is paused, then accepts and does not answer until it is resumed', async () => {
    api.pause()
    let answered = false
    const reply = clientOf(api, api.adminToken)('GET', '/api/v1/nodes').then((result) => {
      answered = true
      return result.status
    })
    await expect.poll(() => api.count(), { timeout: 10_000 }).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(answered).toBe(false)
    api.resume()
    expect(await reply).toBe(200)
  })

  it('when it is paused, then watches are silent, and afterwards tell in order what happened', async () => {
    const watching = await watch(
      api,
      api.adminToken,
      `/api/v1/namespaces?watch=1&resourceVersion=${api.resourceVersion}`,
    )
    api.pause()
    for (const name of ['a', 'b', 'c']) await api.namespaces.create({ metadata: { name } })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(watching.events).toEqual([])
    api.resume()
    expect((await watching.until(3)).map((event) => event.object.metadata.name)).toEqual(['a', 'b', 'c'])
    watching.close()
  })

  it('when it is stopped, then refuses connections; started again, it is the same on the same port', async () => {
    const admin = clientOf(api, api.adminToken)
    await api.namespaces.create({ metadata: { name: 'kept' } })
    await api.stop()
    await expect(admin('GET', '/api/v1/nodes')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await api.start()
    expect((await admin('GET', '/api/v1/namespaces/kept')).status).toBe(200)
  })

  it('delays each answer', async () => {
    api.delay(80)
    const began = performance.now()
    await clientOf(api, api.adminToken)('GET', '/api/v1/nodes')
    expect(performance.now() - began).toBeGreaterThanOrEqual(75)
  })

  it('cuts watches by a broken connection or in order', async () => {
    const open = (): ReturnType<typeof watch> => watch(api, api.adminToken, '/api/v1/nodes?watch=1')
    for (const how of ['reset', 'end'] as const) {
      const watching = await open()
      expect(api.openWatches).toBe(1)
      api.cutWatches(how)
      await watching.ended
      expect(watching.complete()).toBe(how === 'end')
      expect(api.openWatches).toBe(0)
    }
  })
})
