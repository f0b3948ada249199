/**
 * How the sidecar ends: when told to, when it must not start, and when it cannot.
 *
 *   test process --numbered frames--> vethN ==== eth0 [web]  sidecar
 *                                     br0 of node-1 ==== eth0 [sensor], dumpcap
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { experimentalFilter, numbersOf, range, sendNumbered } from '../support/netns-numbered.ts'
import { Scene } from '../support/netns-scene.ts'
import { startSidecar } from '../support/netns-sidecar.ts'
import { type FrameSender, openFrameSender } from '../support/netns-sockets.ts'
import { until } from '../support/netns-until.ts'

describe('given a sidecar in a pod', () => {
  let scene: Scene
  let sender: FrameSender
  beforeAll(async () => {
    scene = await Scene.create()
    sender = scene.closeLater(openFrameSender(scene.web.node.namespace, scene.web.nodeInterface))
  })
  afterEach(() => scene.endSidecars())
  afterAll(() => scene.close())

  for (const engine of ['ring', 'pcap']) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`when ${signal} comes right behind a burst (ENGINE=${engine}), then every frame before it reaches the sensor, and it exits 0`, async () => {
        const { sidecar, finish } = await scene.tap({ ENGINE: engine, RING_MIB: '64', FILTER: experimentalFilter })
        // It stands still meanwhile, so that all of it waits in the kernel's ring when the signal comes.
        sidecar.child.kill('SIGSTOP')
        sendNumbered(sender, 0, 900, { length: 500 })
        sidecar.child.kill(signal)
        sidecar.child.kill('SIGCONT')
        expect(await sidecar.ended).toEqual({ code: 0, signal: null })
        const { counters, frames } = await finish()
        expect(numbersOf(frames)).toEqual(range(0, 900))
        expect(counters).toEqual({ captured: 900, sent: 900, dropped: {}, droppedTotal: 0 })
      })
    }

    it(`when SIGTERM comes while frames still come in (ENGINE=${engine}), then none of those before it is missing, the very last included`, async () => {
      // Several times: what has just arrived is in a block that the kernel has not handed over yet.
      for (let round = 0; round < 3; round++) {
        const { sidecar, finish } = await scene.tap({ ENGINE: engine, RING_MIB: '64', FILTER: experimentalFilter })
        sendNumbered(sender, 0, 300, { length: 500 })
        sidecar.child.kill('SIGTERM')
        expect(await sidecar.ended).toEqual({ code: 0, signal: null })
        const { counters, frames } = await finish()
        expect(numbersOf(frames)).toEqual(range(0, 300))
        expect(counters).toEqual({ captured: 300, sent: 300, dropped: {}, droppedTotal: 0 })
      }
    })
  }

  it('when a second SIGTERM comes before it is done, then it exits at once with 1', async () => {
    const { sidecar } = await scene.tap()
    sidecar.child.kill('SIGSTOP')
    sendNumbered(sender, 0, 4000, { length: 1500 })
    // Two different signals: a second pending one of the same kind would be merged with the first.
    sidecar.child.kill('SIGTERM')
    sidecar.child.kill('SIGINT')
    sidecar.child.kill('SIGCONT')
    expect(await sidecar.ended).toEqual({ code: 1, signal: null })
    expect(sidecar.said).not.toContain('stopped: ')
  })

  for (const [name, env, said] of [
    ['no SENSOR', { SENSOR: '' }, 'SENSOR is not set: it must be a label value'],
    ['several wrong values', { VNI: '16777216', SNAPLEN: '12' }, 'VNI="16777216" is not allowed'],
    ['a FILTER that libpcap refuses', { FILTER: 'not prot 443' }, `FILTER="not prot 443" is not allowed: libpcap says`],
    ['a FILTER with a syntax error', { FILTER: 'tcp and and' }, 'syntax error'],
  ] as const) {
    it(`when it is started with ${name}, then it exits 78 and says which setting and why`, async () => {
      const sidecar = startSidecar(scene.web, { env: { SENSOR: scene.sensor.address4, ...env } })
      expect(await sidecar.ended).toEqual({ code: 78, signal: null })
      expect(sidecar.said).toContain(said)
      expect(sidecar.said).toContain('for example')
    })
  }

  for (const [name, env, capabilities, said] of [
    ['a FILTER that libpcap refuses', { FILTER: 'not prot 443' }, undefined, 'FILTER="not prot 443" is not allowed'],
    ['several wrong values', { VNI: '16777216', SNAPLEN: '12' }, undefined, '(and 1 more: the log has them)'],
    ['no NET_RAW', {}, '', 'NET_RAW'],
  ] as const) {
    it(`when it is started by a kubelet with ${name}, then it stays, says so, holds nobody up, and ends when told to`, async () => {
      const inPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1' }
      const sidecar = startSidecar(scene.web, {
        env: { SENSOR: scene.sensor.address4, ...inPod, ...env },
        ...(capabilities === undefined ? {} : { capabilities }),
      })
      await sidecar.untilSaid('the pod goes on without a tap')
      await until('it to answer', async () => (await sidecar.request('/healthz')).status === 503)
      const { status, text } = await sidecar.request('/readyz')
      expect([status, text]).toEqual([503, expect.stringContaining(said)])
      expect((await sidecar.request('/readyz?hold')).status).toBe(200)
      expect((await sidecar.metrics()).get('vxtap_capturing')).toBe(0)
      expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
    })
  }

  it('when several settings are wrong, then each is named at once', async () => {
    const sidecar = startSidecar(scene.web, { env: { SENSOR: '1.2.3', VNI: '-1', ENGINE: 'fast' } })
    expect(await sidecar.ended).toEqual({ code: 78, signal: null })
    for (const setting of ['SENSOR="1.2.3"', 'VNI="-1"', 'ENGINE="fast"']) expect(sidecar.said).toContain(setting)
  })

  for (const engine of ['auto', 'ring', 'pcap']) {
    it(`when it lacks NET_RAW (ENGINE=${engine}), then it exits 77 and names the capability`, async () => {
      const sidecar = startSidecar(scene.web, {
        capabilities: '',
        env: { SENSOR: scene.sensor.address4, ENGINE: engine },
      })
      expect(await sidecar.ended).toEqual({ code: 77, signal: null })
      expect(sidecar.said).toContain('NET_RAW')
    })
  }
})
