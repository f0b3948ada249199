/**
 * Sensors that come and go, found through the API server by their label, with frames flowing all the while.
 *
 *   test process: API server on 10.88.0.1
 *        |
 *   node-1, br0 ==== eth0 [web]  sidecar, SENSOR=zeek  <--numbered frames every few milliseconds
 *          \==== eth0 [zeek-1], [zeek-2], [zeek-3], dumpcap on each
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ApiServer, startApiServer } from '../../lab/apiserver/server.ts'
import { controlPlane } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { experimentalFilter, numberedFrame, numbersOf, range } from '../support/netns-numbered.ts'
import { Scene } from '../support/netns-scene.ts'
import { captureEth0, type SensorCapture, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop, type SidecarProcess } from '../support/netns-sidecar.ts'
import { type FrameSender, openFrameSender, openUdpPort } from '../support/netns-sockets.ts'
import { until } from '../support/netns-until.ts'

const account = 'shop/web'
/** In the sandbox's own /run: /var/run is a link to it. */
const directory = '/run/secrets/kubernetes.io/serviceaccount'
const flows = 64
const outageMs = 30_000

describe('given a sidecar that looks for its sensor by label', () => {
  let scene: Scene
  let api: ApiServer
  let traffic: Traffic
  let sidecar: SidecarProcess
  const captures = new Map<string, SensorCapture>()

  beforeEach(async () => {
    scene = await Scene.create()
    api = await startApiServer({ host: controlPlane.address4, namespaces: ['shop', 'sensors'] })
    mkdirSync(directory, { recursive: true })
    writeFileSync(`${directory}/ca.crt`, api.ca)
    writeFileSync(`${directory}/namespace`, 'shop')
    writeFileSync(`${directory}/token`, api.issueToken(account))
    traffic = new Traffic(scene.closeLater(openFrameSender(scene.web.node.namespace, scene.web.nodeInterface)))
  })
  afterEach(async () => {
    traffic.end()
    captures.clear()
    await scene.close()
    await api.close()
    rmSync(directory, { recursive: true })
  })

  function grant(): () => void {
    return api.grant({
      serviceAccount: 'shop/*',
      namespace: 'sensors',
      verbs: ['get', 'list', 'watch'],
      resource: 'pods',
    })
  }

  /** A sensor pod that captures; the API server hears of it when `announce` is called. */
  async function sensorPod(name: string): Promise<LabPod> {
    const pod = await scene.lab.pod(name)
    scene.closeLater(openUdpPort(pod.namespace, 6, 4789))
    captures.set(name, await captureEth0(pod))
    return pod
  }

  async function announce(pod: LabPod, ready = true): Promise<void> {
    await api.pods.create({
      metadata: { name: pod.name, namespace: 'sensors', labels: { run: 'zeek' } },
      spec: { nodeName: 'node-1', containers: [{ name: 'zeek', image: 'zeek' }] },
    })
    api.pods.setStatus('sensors', pod.name, {
      phase: 'Running',
      podIP: pod.address4,
      podIPs: [{ ip: pod.address4 }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    })
  }

  async function start(path: '/readyz' | '/healthz' = '/readyz'): Promise<void> {
    const env = {
      SENSOR: 'zeek',
      SENSOR_NAMESPACE: 'sensors',
      NODE_NAME: 'node-1',
      KUBERNETES_SERVICE_HOST: api.host,
      KUBERNETES_SERVICE_PORT: String(api.port),
      // The pod's own talk with the API server goes through eth0 as well.
      FILTER: experimentalFilter,
      RING_MIB: '16',
    }
    const tapped = await scene.tap(env, { ready: false })
    sidecar = tapped.sidecar
    await sidecar.ready(path)
  }

  const targets = async (count: number) => {
    await until(`${count} targets`, async () => (await sidecar.metrics()).get('vxtap_targets') === count)
  }

  const request = async (what: string, result: string) => {
    const name = `vxtap_discovery_requests_total{request="${what}",result="${result}"}`
    return (await sidecar.metrics()).get(name) ?? 0
  }

  async function health(): Promise<string> {
    return (await sidecar.request('/healthz')).text
  }

  /** Some hundred frames more, which the sidecar has sent or counted when this resolves. */
  async function more(): Promise<{ from: number; to: number }> {
    const numbers = await traffic.more()
    await sidecar.untilMetrics('those frames', ({ captured }) => captured >= numbers.to)
    return numbers
  }

  /** Ends everything; the numbers that each sensor got. */
  async function finish() {
    traffic.end()
    await sidecar.untilMetrics('every frame offered to be accounted for', (now) => now.captured === traffic.offered)
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
    const got: Record<string, Buffer[]> = {}
    for (const [name, capture] of captures) got[name] = tunnelDatagrams(await capture.stop()).map(({ frame }) => frame)
    const counters = countedAtStop(sidecar.said)
    const all = Object.values(got).flatMap((frames) => numbersOf(frames))
    expect(new Set(all).size, 'no frame twice').toBe(all.length)
    expect(all.length + counters.droppedTotal, 'every frame arrives or is counted').toBe(traffic.offered)
    expect(counters.captured).toBe(traffic.offered)
    // Order is kept within a flow, which other scenarios are about.
    const numbers = (name: string, flow?: number) => numbersOf(got[name] ?? [], flow).sort((a, b) => a - b)
    return { got: numbers, counters }
  }

  it('when there is no sensor for a while, then the frames are counted, the sentence says what is missing, and a sensor is followed as soon as it is ready', async () => {
    grant()
    await start('/healthz')
    traffic.begin()
    await until('the sentence', async () =>
      (await health()).includes('no pod with the label run=zeek in namespace "sensors"'),
    )
    // A pod that is held until its sidecar is ready must not wait for a sensor that may never come.
    expect((await sidecar.request('/readyz')).status).toBe(200)
    await sidecar.untilMetrics('frames for nobody', ({ dropped }) => (dropped['no_sensor'] ?? 0) > 20)
    const zeek = await sensorPod('zeek-1')
    await announce(zeek, false)
    await until('the sentence', async () => (await health()).includes('sensors/zeek-1 is not Ready'))
    api.pods.setStatus('sensors', 'zeek-1', { conditions: [{ type: 'Ready', status: 'True' }] })
    await targets(1)
    const { from } = await more()
    const { got, counters } = await finish()
    expect(counters.dropped).toEqual({ no_sensor: traffic.offered - got('zeek-1').length })
    expect(got('zeek-1').filter((index) => index >= from)).toEqual(range(from, traffic.offered))
  })

  it('when the sensor pod is replaced under traffic, then its successor gets the frames, and those between are counted', async () => {
    grant()
    await announce(await sensorPod('zeek-1'))
    await start()
    traffic.begin()
    const { to: before } = await more()
    api.pods.delete('sensors', 'zeek-1')
    await targets(0)
    await more()
    await announce(await sensorPod('zeek-2'))
    await targets(1)
    const { from: after } = await more()
    const { got, counters } = await finish()
    expect(got('zeek-1').filter((index) => index < before)).toEqual(range(0, before))
    expect(got('zeek-2').filter((index) => index >= after)).toEqual(range(after, traffic.offered))
    expect(Object.keys(counters.dropped)).toEqual(['no_sensor'])
  })

  it('when the API server is gone for 30 seconds and comes back, then frames go on to the last known sensor, and what changed meanwhile is followed', async () => {
    grant()
    await announce(await sensorPod('zeek-1'))
    await start()
    traffic.begin()
    await api.stop()
    await setTimeout(outageMs)
    const inVain = (await request('list', 'unreachable')) + (await request('watch', 'unreachable'))
    expect(inVain).toBeGreaterThanOrEqual(3)
    // The back-off grows to 30 seconds: more tries than this would be a storm.
    expect(inVain).toBeLessThan(40)
    expect(await health()).toContain('going on with the last known 1 sensor')
    expect((await sidecar.request('/readyz')).status).toBe(200)
    const { to: during } = await more()
    api.pods.delete('sensors', 'zeek-1')
    await announce(await sensorPod('zeek-2'))
    await api.start()
    await until('the successor', async () => (await health()).includes('sensors/zeek-2'), 60_000)
    const { from: after } = await more()
    const { got } = await finish()
    expect(got('zeek-1').filter((index) => index < during)).toEqual(range(0, during))
    expect(got('zeek-2').filter((index) => index >= after)).toEqual(range(after, traffic.offered))
  })

  it('when the watch is cut, its history is gone and the token is replaced, then the sensors are followed all the same', async () => {
    grant()
    await announce(await sensorPod('zeek-1'))
    await start()
    traffic.begin()
    api.cutWatches('reset')
    await announce(await sensorPod('zeek-2'))
    await targets(2)
    api.compact()
    api.cutWatches('end')
    api.pods.delete('sensors', 'zeek-1')
    await targets(1)
    writeFileSync(`${directory}/token`, api.rotateToken(account))
    api.cutWatches('reset')
    await announce(await sensorPod('zeek-3'))
    await targets(2)
    const { counters } = await finish()
    expect(counters.dropped).toEqual({})
  })

  it('when the permission is missing, then the sentence names it, and as soon as it is granted frames flow', async () => {
    const zeek = await sensorPod('zeek-1')
    await announce(zeek)
    await start('/healthz')
    traffic.begin()
    await until('the sentence', async () => {
      return (await health()).includes(
        'needs: get, list, watch pods in namespace "sensors" for system:serviceaccount:shop:web',
      )
    })
    await sidecar.untilMetrics('frames for nobody', ({ dropped }) => (dropped['no_sensor'] ?? 0) > 20)
    const takeBack = grant()
    await targets(1)
    const { from } = await more()
    // Taken away again, the sensor that is known stays.
    takeBack()
    api.cutWatches('reset')
    await until(
      'to be refused',
      async () => (await request('watch', 'forbidden')) + (await request('list', 'forbidden')) > 1,
    )
    await more()
    const { got, counters } = await finish()
    expect(got('zeek-1').filter((index) => index >= from)).toEqual(range(from, traffic.offered))
    expect(Object.keys(counters.dropped)).toEqual(['no_sensor'])
  })

  it('when one of three sensors leaves, then its flows spread over the others, and no other flow moves', async () => {
    grant()
    const names = ['zeek-1', 'zeek-2', 'zeek-3']
    for (const name of names) await announce(await sensorPod(name))
    await start()
    await targets(3)
    traffic.begin()
    const { to: before } = await more()
    api.pods.terminate('sensors', 'zeek-3')
    await targets(2)
    const { from: after } = await more()
    const { got, counters } = await finish()
    expect(counters.dropped).toEqual({})
    const homes = (flow: number, from: number, to: number) =>
      names.filter((name) => got(name, flow).some((index) => index >= from && index < to))
    const moved: number[] = []
    for (let flow = 0; flow < flows; flow++) {
      const [first, ...others] = homes(flow, 0, before)
      expect(others, `flow ${flow} has one sensor`).toEqual([])
      const [second, ...more] = homes(flow, after, traffic.offered)
      expect(more, `flow ${flow} has one sensor`).toEqual([])
      if (first === 'zeek-3') moved.push(flow)
      else expect(second, `flow ${flow} stays`).toBe(first)
    }
    expect(moved.length).toBeGreaterThan(flows / 10)
    expect(got('zeek-3').filter((index) => index >= after)).toEqual([])
  })
})

/** Numbered frames in many flows and both directions, a few each millisecond tick, until told to end. */
class Traffic {
  offered = 0
  readonly #sender: FrameSender
  #timer: NodeJS.Timeout | undefined

  constructor(sender: FrameSender) {
    this.#sender = sender
  }

  begin(): void {
    this.#timer = setInterval(() => {
      for (let count = 0; count < 4; count++) {
        const index = this.offered++
        this.#sender.send(numberedFrame({ flow: index % flows, index, length: 200, reply: (index / flows) % 2 >= 1 }))
      }
    }, 4)
  }

  /** Waits for some hundred frames more, several of each flow; the numbers of the first and behind the last. */
  async more(): Promise<{ from: number; to: number }> {
    const from = this.offered
    await until('more frames', () => this.offered >= from + 5 * flows)
    return { from, to: this.offered }
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
