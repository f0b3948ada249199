/**
 * An interface that goes down and up, changes its MTU, comes late, leaves and comes back.
 *
 *   test process --numbered frames--> vethN ==== eth0 [web]  sidecar     far9 ==== eth9, both in [web]
 *                                     br0 of node-1 ==== eth0 [sensor], dumpcap
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { experimentalFilter, numberedFrame, numbersOf, range, sendNumbered } from '../support/netns-numbered.ts'
import { Scene } from '../support/netns-scene.ts'
import { openFrameSender } from '../support/netns-sockets.ts'
import { sha256, streamTo, tcpSegment, transfer } from '../support/netns-tcp.ts'
import { until } from '../support/netns-until.ts'

const appPort = 33_337

describe('given a pod whose interface changes under the sidecar', () => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.create()
  })
  afterEach(() => scene.close())

  it('when eth0 goes down and up again, then mirroring goes on', async () => {
    const { web } = scene
    const { sidecar, finish } = await scene.tap({ ENGINE: 'ring', FILTER: experimentalFilter })
    const sender = scene.closeLater(openFrameSender(web.node.namespace, web.nodeInterface))
    sendNumbered(sender, 0, 100)
    await sidecar.untilMetrics('the first hundred', ({ sent }) => sent === 100)
    await web.namespace.ip(['link set eth0 down'])
    await sidecar.settled()
    await web.namespace.ip(['link set eth0 up'])
    await until('the veth pair to carry frames', async () =>
      (await web.exec(['ip', 'link', 'show', 'eth0'])).includes('state UP'),
    )
    await until('the sidecar to say that it captures', async () => (await sidecar.request('/healthz')).status === 200)
    sendNumbered(sender, 100, 200)
    await sidecar.untilMetrics('the second hundred', ({ sent }) => sent === 200)
    expect(await sidecar.request('/healthz')).toMatchObject({
      status: 200,
      text: expect.stringContaining('capturing eth0 with the ring engine'),
    })
    const { ended, frames } = await finish()
    expect(ended).toEqual({ code: 0, signal: null })
    expect(numbersOf(frames)).toEqual(range(0, 200))
  })

  for (const engine of ['ring', 'pcap']) {
    it(`when its MTU changes (ENGINE=${engine}), then segments fit the new path and every byte is there`, async () => {
      const { web, lab } = scene
      const peer = await lab.pod('peer')
      const { sidecar, finish } = await scene.tap({ ENGINE: engine, RING_MIB: '32' })
      const plan = {
        from: web.namespace,
        to: peer.namespace,
        family: 4 as const,
        address: peer.address4,
        bytes: 2 << 20,
        pace: 20 << 20,
      }
      const first = await transfer({ ...plan, port: appPort })
      await web.namespace.ip(['link set eth0 mtu 1300'])
      await until('the new path MTU', async () => {
        return (await sidecar.metrics()).get(`vxtap_path_mtu_bytes{sensor="${scene.sensor.address4}"}`) === 1300
      })
      const second = await transfer({ ...plan, port: appPort + 1 })
      await sidecar.settled()
      const { ended, frames, counters } = await finish()
      expect(ended).toEqual({ code: 0, signal: null })
      expect(sha256(streamTo(appPort, frames, plan.bytes))).toBe(first)
      expect(sha256(streamTo(appPort + 1, frames, plan.bytes))).toBe(second)
      const sizes = (port: number) => {
        return frames.filter((frame) => tcpSegment(frame)?.destinationPort === port).map((frame) => frame.length)
      }
      expect(Math.max(...sizes(appPort))).toBeGreaterThan(1400)
      // What TCP sent as one segment by itself stays as large as the interface's MTU allows.
      expect(Math.max(...sizes(appPort + 1))).toBeLessThanOrEqual(1314)
      expect(counters.dropped).toEqual({})
    })
  }

  it('when the interface comes late, is deleted and comes again, then each time its frames are mirrored, and /healthz says what is', async () => {
    const { web } = scene
    const { sidecar, finish } = await scene.tap(
      { ENGINE: 'ring', INTERFACE: 'eth9', FILTER: experimentalFilter },
      { ready: false },
    )
    const create = ['link add eth9 type veth peer name far9', 'link set eth9 up', 'link set far9 up']
    const health = () => sidecar.request('/healthz')
    const waiting = {
      status: 503,
      text: expect.stringContaining('waiting for the interface eth9, which is not there'),
    }
    let sent = 0
    for (let round = 0; round < 2; round++) {
      await until('the sidecar to wait', async () => (await health()).text.startsWith('waiting'))
      expect(await health()).toMatchObject(waiting)
      expect((await sidecar.metrics()).get('vxtap_capturing')).toBe(0)
      await web.namespace.ip(create)
      await until('the sidecar to capture', async () => (await health()).status === 200)
      expect((await health()).text).toContain('capturing eth9 with the ring engine')
      const sender = openFrameSender(web.namespace, 'far9')
      sent += sendNumbered(sender, sent, sent + 100)
      sender.close()
      await sidecar.untilMetrics('a hundred frames more', (now) => now.sent === sent)
      await web.namespace.ip(['link delete eth9'])
    }
    await until('the sidecar to wait', async () => (await health()).text.startsWith('waiting'))
    const { ended, said, frames } = await finish()
    expect(ended).toEqual({ code: 0, signal: null })
    expect(said).toContain('there is no interface eth9 in this pod; waiting for it')
    expect(numbersOf(frames)).toEqual(range(0, 200))
  })

  it('when the interface gets another name under traffic, and another one its name, then that one is captured', async () => {
    const { web } = scene
    const { sidecar, finish } = await scene.tap(
      { ENGINE: 'ring', INTERFACE: 'eth9', FILTER: experimentalFilter },
      { ready: false },
    )
    await web.namespace.ip(['link add eth9 type veth peer name far9', 'link set eth9 up', 'link set far9 up'])
    await until('the sidecar to capture', async () => (await sidecar.request('/healthz')).status === 200)
    const old = openFrameSender(web.namespace, 'far9')
    // It never rests.
    const traffic = setInterval(() => old.send(numberedFrame({ flow: 2, index: 0 })), 5)
    try {
      await sidecar.untilMetrics('the first frames', ({ sent }) => sent > 10)
      await web.namespace.ip(['link set eth9 down', 'link set eth9 name old9', 'link set old9 up'])
      await web.namespace.ip(['link add eth9 type veth peer name new9', 'link set eth9 up', 'link set new9 up'])
      await sidecar.untilSaid('the interface eth9 was removed or replaced; opening it anew')
      await until('the new one to be captured', () => sidecar.said.split('capturing eth9').length === 3)
      const sender = openFrameSender(web.namespace, 'new9')
      sendNumbered(sender, 0, 20)
      sender.close()
    } finally {
      clearInterval(traffic)
      old.close()
    }
    const { frames } = await finish()
    expect(numbersOf(frames, 1)).toEqual(range(0, 20))
    await web.namespace.ip(['link delete eth9', 'link delete old9'])
  })
})
