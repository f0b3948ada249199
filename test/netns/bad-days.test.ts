/**
 * What a sidecar must live through: interfaces that come and go, routes and addresses that change, a way out that is too
 * narrow, descriptors that run out. It never ends, never stops answering, and goes on as soon as it can.
 *
 *   test process --numbered frames--> vethN ==== eth0 [web]  sidecar
 *                                     br0 of node-1 ==== eth0 [sensor], dumpcap
 */
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { experimentalFilter, numbersOf, range, sendNumbered } from '../support/netns-numbered.ts'
import { Scene } from '../support/netns-scene.ts'
import { openFrameSender } from '../support/netns-sockets.ts'
import { until } from '../support/netns-until.ts'

const vxtap = new URL('../../bin/vxtap', import.meta.url).pathname
const flood = new URL('../../bench/udp-flood.ts', import.meta.url).pathname

const occurrences = (text: string, part: string) => text.split(part).length - 1

describe('given a pod on a bad day', () => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.create()
  })
  afterEach(() => scene.close())

  it('when the interface comes and goes faster than it can be opened, then the sidecar waits, and captures the one that stays', async () => {
    const { web } = scene
    const { sidecar, finish } = await scene.tap(
      { ENGINE: 'ring', INTERFACE: 'eth9', FILTER: experimentalFilter },
      { ready: false },
    )
    await sidecar.untilSaid('there is no interface eth9')
    const create = ['link add eth9 type veth peer name far9', 'link set eth9 up', 'link set far9 up']
    const flaps = Array.from({ length: 150 }, () => [...create, 'link delete eth9']).flat()
    await web.namespace.ip(flaps)
    await web.namespace.ip(create)
    await until('the sidecar to capture', async () => (await sidecar.request('/healthz')).status === 200)
    const sender = openFrameSender(web.namespace, 'far9')
    sendNumbered(sender, 0, 100)
    sender.close()
    await sidecar.untilMetrics('a hundred frames', ({ sent }) => sent === 100)
    const { ended, frames } = await finish()
    expect(ended).toEqual({ code: 0, signal: null })
    expect(numbersOf(frames)).toEqual(range(0, 100))
  })

  it("when the pod's address becomes another, then frames are sent from it instead of failing for ever", async () => {
    const { web } = scene
    const { sidecar, finish } = await scene.tap({ FILTER: experimentalFilter })
    const sender = scene.closeLater(openFrameSender(web.node.namespace, web.nodeInterface))
    sendNumbered(sender, 0, 10)
    await sidecar.untilMetrics('the first ten', ({ sent }) => sent === 10)
    await web.namespace.ip([`address del ${web.address4}/24 dev eth0`, 'address add 10.88.1.200/24 dev eth0'])
    let next = 10
    const after = await until('frames to be sent again', async () => {
      sendNumbered(sender, next, ++next)
      return sidecar.metrics().then((now) => (now.get('vxtap_sent_frames_total') ?? 0) > 10)
    }).then(() => sidecar.settled())
    sendNumbered(sender, next, next + 100)
    await sidecar.untilMetrics(
      'a hundred more',
      ({ sent }) => sent >= (after.get('vxtap_sent_frames_total') ?? 0) + 100,
    )
    const { ended, frames, counters } = await finish()
    expect(ended.code).toBe(0)
    expect(numbersOf(frames).slice(-100)).toEqual(range(next, next + 100))
    expect(counters.captured).toBe(counters.sent + counters.droppedTotal)
  })

  it('when there is no way to the sensor, then that is said once, /healthz and the metrics say it, and it is tried on', async () => {
    const { web } = scene
    await web.namespace.sysctl({ 'net/ipv6/conf/all/disable_ipv6': '1' })
    const { sidecar, finish } = await scene.tap({ SENSOR: scene.sensor.address6, FILTER: experimentalFilter })
    await setTimeout(3_000)
    expect(occurrences(sidecar.said, `cannot send to ${scene.sensor.address6}`)).toBe(1)
    expect((await sidecar.request('/healthz')).text).toContain('but 1 of 1 cannot be sent to')
    expect((await sidecar.metrics()).get('vxtap_targets')).toBe(0)
    await web.namespace.sysctl({ 'net/ipv6/conf/all/disable_ipv6': '0' })
    await web.namespace.ip([`address replace ${web.address6}/64 dev eth0 nodad`])
    await sidecar.untilSaid(`can send to ${scene.sensor.address6} at ${scene.sensor.address6} now`)
    expect((await sidecar.metrics()).get('vxtap_targets')).toBe(1)
    const sender = scene.closeLater(openFrameSender(web.node.namespace, web.nodeInterface))
    sendNumbered(sender, 0, 10)
    await sidecar.untilMetrics('ten frames', ({ sent }) => sent === 10)
    const { ended, frames } = await finish()
    expect(ended.code).toBe(0)
    expect(numbersOf(frames)).toEqual(range(0, 10))
  })

  it("when descriptors run out, then the sidecar goes on without the sensor's sockets, leaks none, and answers", async () => {
    const { sidecar, finish } = await scene.tap(
      { ENGINE: 'ring', SOURCE_PORTS: '16' },
      { ready: false, program: ['prlimit', '--nofile=36:36', vxtap, 'sidecar'] },
    )
    await sidecar.ready()
    await setTimeout(3_000)
    expect(sidecar.said).toContain('EMFILE')
    expect((await sidecar.request('/healthz')).text).toContain('but 1 of 1 cannot be sent to')
    expect((await finish()).ended).toEqual({ code: 0, signal: null })
  })

  for (const batch of ['mmsg', 'gso']) {
    it(`when the way out is too narrow (BATCH=${batch}), then what does not fit is counted, and the sidecar answers and stops all the same`, async () => {
      const { web } = scene
      const narrow = 'qdisc add dev eth0 root tbf rate 2mbit burst 20kb limit 200kb'
      await web.exec(['tc', ...narrow.split(' ')])
      const { sidecar, finish } = await scene.tap({ BATCH: batch })
      let flooding = true
      const flooded = web.node.namespace
        .exec([process.execPath, flood, web.address4, '9999', '64', '6', '64', '30000'])
        .finally(() => {
          flooding = false
        })
      await setTimeout(1000)
      const took: number[] = []
      while (flooding) {
        const asked = performance.now()
        await sidecar.request('/healthz')
        took.push(performance.now() - asked)
        await setTimeout(50)
      }
      await flooded
      const { ended, counters } = await finish()
      // Not the worst: a machine's own pauses are among them.
      expect(took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.9)]).toBeLessThan(500)
      expect(ended).toEqual({ code: 0, signal: null })
      expect(counters.dropped['send_error']).toBeGreaterThan(0)
      expect(counters.captured).toBe(counters.sent + counters.droppedTotal)
    })
  }

  it('when the interface is down at the start (ENGINE=pcap), then the sidecar waits until it is up', async () => {
    const { web } = scene
    await web.namespace.ip(['link set eth0 down'])
    const { sidecar, finish } = await scene.tap({ ENGINE: 'pcap' }, { ready: false })
    await sidecar.untilSaid('the interface eth0 is down; waiting for it')
    await web.namespace.ip(['link set eth0 up'])
    await until('the sidecar to capture', async () => (await sidecar.request('/healthz')).status === 200)
    expect((await finish()).ended).toEqual({ code: 0, signal: null })
  })
})
