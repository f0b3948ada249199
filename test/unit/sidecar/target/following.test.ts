/** Sensors come, change and go: what the sidecar sends to follows. */
import { afterEach, describe, expect, it } from 'vitest'
import { rendezvous } from '../../../../sidecar/target/choose.ts'
import { sensorPod } from './pods.ts'
import { pause, type Scene, type SceneOptions, startScene, until } from './scene.ts'

describe('following sensors by their label', () => {
  let scene: Scene
  const begin = async (options?: SceneOptions): Promise<void> => {
    scene = await startScene(options)
  }
  afterEach(() => scene.close())

  it('given a sensor that is there, then finds it with one list and one watch', async () => {
    await begin({ before: async (api) => void (await api.pods.create(sensorPod({ name: 'zeek-1' }))) })
    await until(() => scene.api.openWatches === 1)
    expect(scene.handed).toEqual([['10.0.0.1']])
    expect(scene.targets()[0]).toMatchObject({ name: 'sensors/zeek-1', family: 4, sameNode: false })
    expect(scene.discovery.state).toMatchObject({
      kind: 'found',
      sentence: 'sending to 1 sensor: sensors/zeek-1 (10.0.0.1)',
    })
    expect(scene.said).toEqual(['info sending to 1 sensor: sensors/zeek-1 (10.0.0.1)'])
    expect(scene.api.requests.map((request) => request.verb)).toEqual(['list', 'watch'])
    const query = new URL(scene.api.requests[1]!.target, 'https://api').searchParams
    expect(query.get('labelSelector')).toBe('run=zeek')
    expect(query.get('allowWatchBookmarks')).toBe('true')
    expect(Number(query.get('timeoutSeconds'))).toBe(60)
    expect(scene.counters.get('list', 'ok')).toBe(1)
  })

  it('given no sensor for a while, then says so once and follows it when it comes', async () => {
    await begin()
    await until(() => scene.discovery.state.kind === 'none')
    expect(scene.discovery.state.sentence).toBe('no pod with the label run=zeek in namespace "sensors"; looking on')
    await scene.sensor({ name: 'suricata', run: 'suricata' })
    await scene.sensor({ name: 'zeek-1', namespace: 'elsewhere' })
    await pause(50)
    expect(scene.handed).toEqual([])
    await scene.sensor({ name: 'zeek-1' })
    await until(() => scene.targets().length === 1)
    expect(scene.said).toEqual([
      'warn no pod with the label run=zeek in namespace "sensors"; looking on',
      'info sending to 1 sensor: sensors/zeek-1 (10.0.0.1)',
    ])
    expect(scene.api.count({ verb: 'list' })).toBe(1)
  })

  it('when the sensor pod is replaced, then follows without asking anew', async () => {
    await begin()
    await scene.sensor({ name: 'zeek-1' })
    await until(() => scene.targets().length === 1)
    const first = scene.targets()[0]?.key
    scene.api.pods.terminate('sensors', 'zeek-1')
    await until(() => scene.targets().length === 0)
    expect(scene.discovery.state.sentence).toContain('sensors/zeek-1 is terminating')
    scene.api.pods.delete('sensors', 'zeek-1')
    await scene.sensor({ name: 'zeek-1', addresses: ['10.0.0.2'], ready: false })
    await until(() => scene.discovery.state.sentence.includes('sensors/zeek-1 is not Ready'))
    scene.api.pods.setStatus('sensors', 'zeek-1', { conditions: [{ type: 'Ready', status: 'True' }] })
    await until(() => scene.targets()[0]?.address === '10.0.0.2')
    expect(scene.targets()[0]?.key).not.toBe(first)
    expect(scene.handed).toEqual([['10.0.0.1'], [], ['10.0.0.2']])
    expect(scene.api.count()).toBe(2)
  })

  it('when one of two sensors leaves, then the flows of the other stay where they are', async () => {
    await begin()
    await scene.sensor({ name: 'zeek-1', addresses: ['10.0.0.1'] })
    await scene.sensor({ name: 'zeek-2', addresses: ['10.0.0.2'] })
    await until(() => scene.targets().length === 2)
    const flows = Array.from({ length: 200 }, (_, index) => Math.imul(index, 0x9e3779b1) >>> 0)
    const both = scene.targets()
    const stayed = flows.filter((flow) => both[rendezvous(both, flow)]?.address === '10.0.0.2')
    scene.api.pods.delete('sensors', 'zeek-1')
    await until(() => scene.targets().length === 1)
    const left = scene.targets()
    expect(stayed.length).toBeGreaterThan(50)
    for (const flow of flows) expect(left[rendezvous(left, flow)]?.address).toBe('10.0.0.2')
    expect(left[0]).toEqual(both.find((target) => target.address === '10.0.0.2'))
  })

  it('given changes that concern no target, then hands nothing over', async () => {
    await begin()
    await scene.sensor({ name: 'zeek-1' })
    await until(() => scene.targets().length === 1)
    scene.api.pods.patch('sensors', 'zeek-1', { metadata: { annotations: { touched: 'yes' } } })
    await scene.sensor({ name: 'zeek-2', ready: false, addresses: ['10.0.0.2'] })
    scene.api.sendBookmarks()
    await scene.sensor({ name: 'zeek-3', addresses: ['10.0.0.3'] })
    await until(() => scene.targets().length === 2)
    expect(scene.handed).toHaveLength(2)
  })

  it('when a sensor loses its label, then it is no sensor any more', async () => {
    await begin()
    await scene.sensor({ name: 'zeek-1' })
    await until(() => scene.targets().length === 1)
    scene.api.pods.patch('sensors', 'zeek-1', { metadata: { labels: { run: 'retired' } } })
    await until(() => scene.targets().length === 0)
  })

  it('when a sensor on the same node becomes ready, then moves to it, and back when it goes', async () => {
    await begin()
    await scene.sensor({ name: 'far', addresses: ['10.0.0.9'], node: 'node-2' })
    await scene.sensor({ name: 'near', addresses: ['10.0.0.1'], node: 'node-1', ready: false })
    await until(() => scene.targets().length === 1)
    scene.api.pods.setStatus('sensors', 'near', { conditions: [{ type: 'Ready', status: 'True' }] })
    await until(() => scene.targets()[0]?.sameNode === true)
    expect(scene.discovery.state.sentence).toBe('sending to 1 sensor on this node: sensors/near (10.0.0.1)')
    scene.api.pods.delete('sensors', 'near')
    await until(() => scene.targets()[0]?.address === '10.0.0.9')
  })

  it('given SENSOR_NAMESPACE *, then looks in all namespaces', async () => {
    await begin({ permitted: false, discovery: { namespace: '*' } })
    scene.grantPermission('*')
    await scene.sensor({ name: 'zeek-1', namespace: 'elsewhere' })
    await until(() => scene.targets()[0]?.name === 'elsewhere/zeek-1')
    expect(scene.api.requests.every((request) => request.target.startsWith('/api/v1/pods?'))).toBe(true)
  })

  it.each([
    ['the setting', 'shop'],
    ["the service account's files", ''],
  ])("given no SENSOR_NAMESPACE, then looks in the pod's own, known from %s", async (_, podNamespace) => {
    await begin({ permitted: false, discovery: { namespace: '', podNamespace } })
    scene.grantPermission('shop')
    await scene.sensor({ name: 'zeek-0', addresses: ['10.0.0.9'] })
    await scene.sensor({ name: 'zeek-1', namespace: 'shop' })
    await until(() => scene.targets()[0]?.name === 'shop/zeek-1')
  })

  it('given a sensor with IPv6 only, when the pod gets an IPv6 address of its own, then sends to it', async () => {
    const families = new Set<4 | 6>([4])
    await begin({ discovery: { place: { nodeName: '', zone: '', families } } })
    await scene.sensor({ name: 'zeek-1', addresses: ['fd00::1'] })
    await until(() => scene.api.openWatches === 1)
    await until(() => scene.discovery.state.sentence.includes('has only IPv6, which this pod does not have'))
    await pause(30)
    families.add(6)
    await until(() => scene.targets()[0]?.address === 'fd00::1')
    expect(scene.targets()[0]?.family).toBe(6)
  })

  it('given an API server on IPv6, then reaches it', async () => {
    await begin({ server: { host: '::1', namespaces: ['sensors'] } })
    await scene.sensor({ name: 'zeek-1' })
    await until(() => scene.targets().length === 1)
  })

  it('given hundreds of sensors, then lists them page by page and follows the changes in between', async () => {
    await begin({
      discovery: { timing: { pageItems: 50, watchSeconds: 60 } },
      before: async (api) => {
        for (let index = 0; index < 230; index++) {
          await api.pods.create(sensorPod({ name: `zeek-${index}`, addresses: [`10.1.${index >> 8}.${index & 255}`] }))
        }
      },
    })
    await until(() => scene.targets().length === 230)
    expect(scene.api.count({ verb: 'list' })).toBe(5)
    scene.api.pods.delete('sensors', 'zeek-100')
    await until(() => scene.targets().length === 229)
    expect(scene.handed).toHaveLength(2)
  })

  it('given many changes at once, then asks for its own addresses a few times only', async () => {
    let asked = 0
    const place = {
      nodeName: 'node-1',
      zone: '',
      get families(): ReadonlySet<4 | 6> {
        asked += 1
        return new Set([4])
      },
    }
    const pods = Array.from({ length: 100 }, (_, index) =>
      sensorPod({ name: `zeek-${index}`, addresses: [`10.1.0.${index}`] }),
    )
    await begin({ discovery: { place }, before: async (api) => void (await Promise.all(pods.map(api.pods.create))) })
    await until(() => scene.targets().length === 100 && scene.api.openWatches === 1)
    expect(asked).toBeLessThanOrEqual(3)
  })

  it('when it is stopped, then nothing is asked and nothing handed over any more', async () => {
    await begin()
    await scene.sensor({ name: 'zeek-1' })
    await until(() => scene.targets().length === 1 && scene.api.openWatches === 1)
    scene.discovery.stop()
    await until(() => scene.api.openWatches === 0)
    const before = scene.api.count()
    scene.api.pods.delete('sensors', 'zeek-1')
    await pause(60)
    expect(scene.api.count()).toBe(before)
    expect(scene.handed).toEqual([['10.0.0.1']])
    expect(scene.discovery.state.kind).toBe('found')
  })
})
