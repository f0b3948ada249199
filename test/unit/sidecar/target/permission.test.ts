/** Tokens and permission: what is missing is named, and found when it comes. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apiAccess, apiUrl, subjectOf } from '../../../../sidecar/target/api-access.ts'
import { sensorPod } from './pods.ts'
import { pause, type Scene, type SceneOptions, startScene, until } from './scene.ts'

describe('permission to look for the sensor', () => {
  let scene: Scene
  const begin = async (options?: SceneOptions): Promise<void> => {
    scene = await startScene({
      before: async (api) => void (await api.pods.create(sensorPod({ name: 'zeek-1' }))),
      ...options,
    })
  }
  afterEach(() => scene.close())

  it('given none, then names the missing rule once; when it is granted, then finds the sensor', async () => {
    await begin({ permitted: false })
    await until(() => scene.counters.get('list', 'forbidden') >= 3)
    const sentence =
      'not allowed to look for the sensor; needs: get, list, watch pods in namespace "sensors" for system:serviceaccount:shop:default; no sensor is known yet; trying on'
    expect(scene.discovery.state).toMatchObject({ kind: 'forbidden', sentence })
    expect(scene.said).toEqual([`warn ${sentence}`])
    scene.grantPermission()
    await until(() => scene.discovery.state.kind === 'found')
    expect(scene.handed).toEqual([['10.0.0.1']])
  })

  it('given it for another namespace only, then is refused all the same', async () => {
    await begin({ permitted: false })
    scene.grantPermission('elsewhere')
    await until(() => scene.counters.get('list', 'forbidden') >= 2)
    expect(scene.targets()).toEqual([])
  })

  it('when it is withdrawn, then goes on with the last known sensor and says what is missing', async () => {
    await begin()
    await until(() => scene.api.openWatches === 1)
    scene.withdrawPermission()
    scene.api.cutWatches('reset')
    await until(() => scene.discovery.state.kind === 'forbidden')
    expect(scene.discovery.state.sentence).toContain('going on with the last known 1 sensor')
    expect(scene.handed).toEqual([['10.0.0.1']])
  })

  it('when the token is rotated, then uses the new one with the next request', async () => {
    await begin()
    await until(() => scene.api.openWatches === 1)
    await scene.renewToken()
    scene.api.cutWatches('reset')
    await until(() => scene.api.openWatches === 1 && scene.api.count({ verb: 'watch' }) === 2)
    expect(scene.api.count({ status: 401 })).toBe(0)
  })

  it('when the token expired before its file was renewed, then says so, and recovers once it is', async () => {
    await begin()
    await until(() => scene.api.openWatches === 1)
    scene.api.expireTokens('shop/default')
    scene.api.cutWatches('reset')
    await until(() => scene.counters.get('watch', 'unauthorized') + scene.counters.get('list', 'unauthorized') >= 3)
    expect(scene.discovery.state).toMatchObject({
      kind: 'forbidden',
      sentence:
        "the Kubernetes API does not accept the service account's token (401); going on with the last known 1 sensor; trying on",
    })
    const before = scene.api.count({ status: 401 })
    await pause(400)
    expect(scene.api.count({ status: 401 }) - before).toBeLessThan(12)
    await scene.renewToken()
    await until(() => scene.discovery.state.kind === 'found')
    expect(scene.handed).toEqual([['10.0.0.1']])
  })

  it('given no token at all, then says what that means, and begins when it comes', async () => {
    await begin({ before: async (api) => api.pause() })
    await rm(join(scene.directory, 'token'))
    await scene.api.stop()
    scene.api.resume()
    await scene.api.start()
    await scene.sensor({ name: 'zeek-1' })
    await until(() => scene.discovery.state.kind === 'forbidden')
    expect(scene.discovery.state.sentence).toContain('automountServiceAccountToken: false')
    await scene.renewToken()
    await until(() => scene.targets().length === 1)
  })

  it('given no cluster at all, then says what SENSOR must be', async () => {
    await begin({ discovery: { api: undefined } })
    expect(scene.discovery.state).toMatchObject({ kind: 'unreachable' })
    expect(scene.discovery.state.sentence).toContain('KUBERNETES_SERVICE_HOST is not set')
    expect(scene.said).toHaveLength(1)
  })
})

describe('how the API is reached', () => {
  it('is read from the environment that the kubelet sets', () => {
    const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' }
    const directory = '/var/run/secrets/kubernetes.io/serviceaccount'
    expect(apiAccess(environment)).toEqual({ host: '10.96.0.1', port: 6443, directory })
    expect(apiAccess({ KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: 'x' })?.port).toBe(443)
    expect(apiAccess({})).toBeUndefined()
    expect(apiAccess({ KUBERNETES_SERVICE_HOST: '' })).toBeUndefined()
  })

  it.each(['fd00::1', '[fd00::1]'])('given IPv6 as %s, then keeps brackets to the URL', (host) => {
    const access = apiAccess({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '443' }, '/account')!
    expect(access.host).toBe('fd00::1')
    expect(apiUrl(access)).toBe('https://[fd00::1]:443')
  })

  it('reads whose token it is from its claims, and nothing from garbage', () => {
    const claims = Buffer.from('{"sub":"system:serviceaccount:shop:default"}').toString('base64url')
    expect(subjectOf(`e30.${claims}.sig`)).toBe('system:serviceaccount:shop:default')
    for (const garbage of [
      '',
      'a.b.c',
      'opaque',
      'e30.e30.',
      `e30.${Buffer.from('{"sub":1}').toString('base64url')}.`,
    ]) {
      expect(subjectOf(garbage)).toBe('')
    }
  })
})
