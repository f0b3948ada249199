/**
 * What FILTER, DIRECTION, SNAPLEN, SAMPLE_FLOWS, MAX_MBPS and METRICS_ADDRESS do to the frames and to the counters.
 *
 *   test process --numbered frames--> vethN ==== eth0 [web]  sidecar  <--numbered frames-- test process
 *                                     br0 of node-1 ==== eth0 [sensor], dumpcap
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sidecarMetrics } from '../../contract/sidecar-metrics.ts'
import { experimentalFilter, numberedFrame, numbersOf, range, sendNumbered } from '../support/netns-numbered.ts'
import { Scene } from '../support/netns-scene.ts'
import { connectUdp, type FrameSender, listenTcp, openFrameSender, openUdpPort } from '../support/netns-sockets.ts'
import { transfer } from '../support/netns-tcp.ts'

const appPort = 33_338

for (const engine of ['ring', 'pcap']) {
  describe(`given a sidecar with settings of its user (ENGINE=${engine})`, () => {
    let scene: Scene
    /** Frames that come in to the pod, and frames that it sends. */
    let incoming: FrameSender
    let outgoing: FrameSender

    beforeAll(async () => {
      scene = await Scene.create()
      const { web, sensor } = scene
      incoming = scene.closeLater(openFrameSender(web.node.namespace, web.nodeInterface))
      outgoing = scene.closeLater(openFrameSender(web.namespace, 'eth0'))
      scene.closeLater(openUdpPort(sensor.namespace, 6, appPort))
      scene.closeLater(openUdpPort(sensor.namespace, 6, appPort + 1))
    })
    // After a failure, its sidecar must not answer for the next.
    afterEach(() => scene.endSidecars())
    afterAll(() => scene.close())

    const tap = (env: Record<string, string>) => scene.tap({ ENGINE: engine, RING_MIB: '64', ...env })

    it('when FILTER leaves out a port, then nothing of it is mirrored or counted, and all else is', async () => {
      const { sidecar, finish } = await tap({ FILTER: `udp and not port ${appPort}` })
      for (const port of [appPort, appPort + 1]) {
        for (const to of [scene.sensor.address4, scene.sensor.address6]) {
          const sender = connectUdp(scene.web.namespace, to.includes(':') ? 6 : 4, to, port)
          for (let index = 0; index < 25; index++) sender.send(Buffer.from(`${port} ${index}`))
          sender.close()
        }
      }
      await sidecar.untilMetrics('the other port', ({ sent }) => sent === 50)
      const { counters, frames } = await finish()
      const texts = frames.map((frame) => frame.toString('latin1', frame[12] === 8 ? 42 : 62))
      const expected = range(0, 25).map((index) => `${appPort + 1} ${index}`)
      expect(texts.sort()).toEqual([...expected, ...expected].sort())
      expect(counters).toEqual({ captured: 50, sent: 50, dropped: {}, droppedTotal: 0 })
    })

    it('when FILTER names a VLAN, then its frames are mirrored with their tag, and no others', async () => {
      const { sidecar, finish } = await tap({ FILTER: `vlan 42 and ${experimentalFilter}` })
      for (const sender of [incoming, outgoing]) {
        sendNumbered(sender, 0, 20, { vlan: 42 })
        sendNumbered(sender, 20, 40, { vlan: 43 })
        sendNumbered(sender, 40, 60)
      }
      await sidecar.untilMetrics('the frames of VLAN 42, in and out', ({ sent }) => sent === 40)
      const { counters, frames } = await finish()
      const sent = range(0, 20).map((index) => numberedFrame({ flow: 1, index, vlan: 42 }).toString('hex'))
      expect(frames.map((frame) => frame.toString('hex'))).toEqual([...sent, ...sent])
      expect(counters.captured).toBe(40)
    })

    for (const direction of ['in', 'out', 'both']) {
      it(`when DIRECTION=${direction}, then the sensor has the frames of that direction`, async () => {
        const { sidecar, finish } = await tap({ FILTER: experimentalFilter, DIRECTION: direction })
        // libpcap applies a new filter to the first frame once more by itself, without knowing the frame's direction,
        // and so loses it: with this engine, the first frame after the start is not promised.
        if (engine === 'pcap' && direction !== 'both') {
          sendNumbered(direction === 'in' ? incoming : outgoing, 999, 1000)
        }
        sendNumbered(incoming, 0, 30, { flow: 2 })
        sendNumbered(outgoing, 100, 130, { flow: 2, reply: true })
        const expected = direction === 'in' ? range(0, 30) : direction === 'out' ? range(100, 130) : undefined
        const all = expected ?? [...range(0, 30), ...range(100, 130)]
        await sidecar.untilMetrics('those frames', ({ sent }) => sent === all.length)
        const { counters, frames } = await finish()
        expect(numbersOf(frames)).toEqual(all)
        expect(counters).toEqual({ captured: all.length, sent: all.length, dropped: {}, droppedTotal: 0 })
      })
    }

    it('when SNAPLEN=128, then longer frames keep their first 128 bytes, segments of super-frames too, and are counted', async () => {
      const { sidecar, finish } = await tap({ SNAPLEN: '128', FILTER: `${experimentalFilter} or tcp port ${appPort}` })
      sendNumbered(incoming, 0, 10, { length: 127 })
      sendNumbered(incoming, 10, 20, { length: 128 })
      sendNumbered(incoming, 20, 30, { length: 1514 })
      const { web, sensor } = scene
      const plan = { from: web.namespace, to: sensor.namespace, family: 4 as const, address: sensor.address4 }
      await transfer({ ...plan, port: appPort, bytes: 200_000, pace: 10 << 20 })
      const metrics = await sidecar.settled()
      const { counters, frames } = await finish()
      const numbered = frames.filter((frame) => numbersOf([frame]).length > 0)
      const whole = range(0, 30).map((index) => {
        return numberedFrame({ flow: 1, index, length: index < 10 ? 127 : index < 20 ? 128 : 1514 })
      })
      expect(numbered.map((frame) => frame.toString('hex'))).toEqual(
        whole.map((frame) => frame.toString('hex', 0, 128)),
      )
      expect(Math.max(...frames.map((frame) => frame.length))).toBe(128)
      // A frame of 128 bytes may be one that had no more.
      const snapped = metrics.get('vxtap_snapped_frames_total')!
      expect(snapped).toBeGreaterThanOrEqual(10 + 200_000 / 1460)
      expect(snapped).toBeLessThanOrEqual(frames.filter((frame) => frame.length === 128).length - 10)
      expect(counters.dropped).toEqual({})
    })

    it('when SAMPLE_FLOWS=50, then about half of the flows are mirrored, each whole in both directions, and the rest is counted', async () => {
      const { sidecar, finish } = await tap({ SAMPLE_FLOWS: '50', FILTER: experimentalFilter })
      const flows = 200
      for (let flow = 1; flow <= flows; flow++) {
        sendNumbered(incoming, 0, 2, { flow })
        sendNumbered(outgoing, 2, 4, { flow, reply: true })
        await sidecarKeepsUp(flow)
      }
      await sidecar.untilMetrics('all', ({ captured }) => captured === flows * 4)
      const { counters, frames } = await finish()
      const found = range(1, flows + 1).map((flow) => numbersOf(frames, flow))
      const whole = found.filter((numbers) => numbers.length > 0)
      for (const numbers of whole) expect(numbers).toEqual([0, 1, 2, 3])
      expect(whole.length).toBeGreaterThan(flows * 0.3)
      expect(whole.length).toBeLessThan(flows * 0.7)
      const left = (flows - whole.length) * 4
      expect(counters).toEqual({
        captured: flows * 4,
        sent: whole.length * 4,
        dropped: { sampled_out: left },
        droppedTotal: left,
      })
    })

    it('when MAX_MBPS=1, then what is over it is counted, and nothing else is missing', async () => {
      const { sidecar, finish } = await tap({ MAX_MBPS: '1', FILTER: experimentalFilter })
      const offered = 500
      const started = performance.now()
      for (let index = 0; index < offered; index += 50) {
        sendNumbered(incoming, index, index + 50, { length: 1000 })
        await sidecarKeepsUp(index)
      }
      await sidecar.untilMetrics('all', ({ captured }) => captured === offered)
      const seconds = (performance.now() - started) / 1000
      const { counters, frames } = await finish()
      const arrived = numbersOf(frames)
      const limited = offered - arrived.length
      expect(counters).toEqual({
        captured: offered,
        sent: arrived.length,
        dropped: { rate_limited: limited },
        droppedTotal: limited,
      })
      expect(limited).toBeGreaterThan(0)
      // A quarter of a second's worth at once, and from then on a megabit a second.
      expect(arrived.length).toBeGreaterThan(20)
      expect(arrived.length * 1000 * 8).toBeLessThan(1e6 * (0.25 + seconds))
    })

    /** The pcap engine's buffer is 1,024 frames at 64 MiB: a pause now and then, so that none is lost to it. */
    async function sidecarKeepsUp(round: number): Promise<void> {
      if (round % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    }

    it('when the port of METRICS_ADDRESS is taken, then it says so, and mirroring goes on', async () => {
      const server = await listenTcp(scene.web.namespace, 4, 9411)
      const { sidecar, finish } = await scene
        .tap({ ENGINE: engine, FILTER: experimentalFilter, METRICS_ADDRESS: ':9411' }, { ready: false })
        .then(async (tapped) => {
          await tapped.sidecar.untilSaid('capturing eth0')
          await tapped.sidecar.untilSaid('no metrics')
          return tapped
        })
      sendNumbered(incoming, 0, 50)
      const { ended, counters, frames } = await finish()
      server.close()
      expect(sidecar.said).toContain('METRICS_ADDRESS port 9411 cannot be used')
      expect(sidecar.said).toContain('mirroring goes on')
      expect(ended).toEqual({ code: 0, signal: null })
      expect(numbersOf(frames)).toEqual(range(0, 50))
      expect(counters.sent).toBe(50)
    })

    it('then /metrics has every metric that is documented, by name and type', async () => {
      const { sidecar, finish } = await tap({})
      const { text } = await sidecar.request('/metrics')
      const declared = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
      expect(declared.sort()).toEqual(
        Object.values(sidecarMetrics)
          .map(({ name, type }) => `${name} ${type}`)
          .sort(),
      )
      expect(text).toContain(`engine="${engine}"`)
      await finish()
    })
  })
}
