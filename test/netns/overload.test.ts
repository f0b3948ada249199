/**
 * A sidecar that gets no CPU for a while: the kernel's ring holds what it is there to hold, and where it overflows every
 * lost frame is counted.
 *
 *   test process --numbered frames--> vethN ==== eth0 [web]  sidecar, stopped by SIGSTOP
 *                                     br0 of node-1 ==== eth0 [sensor], dumpcap
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { experimentalFilter, numbersOf, sendNumbered } from '../support/netns-numbered.ts'
import { Scene } from '../support/netns-scene.ts'
import { openFrameSender } from '../support/netns-sockets.ts'

let scene: Scene
beforeAll(async () => {
  scene = await Scene.create()
})
afterAll(() => scene.close())

describe('given a ring of 1 MiB', () => {
  for (const { engine, few } of [
    { engine: 'ring', few: 100 },
    // libpcap's buffer has a slot of 64 KiB for each frame, however short.
    { engine: 'pcap', few: 10 },
  ]) {
    it(`when the sidecar stands still under traffic until the ring overflows (ENGINE=${engine}), then what arrives and what is counted as lost are together what was offered, to the last frame`, async () => {
      const { web } = scene
      const { sidecar, finish } = await scene.tap({ ENGINE: engine, RING_MIB: '1', FILTER: experimentalFilter })
      const sender = scene.closeLater(openFrameSender(web.node.namespace, web.nodeInterface))
      let offered = sendNumbered(sender, 0, few)
      await sidecar.untilMetrics('the first frames', ({ sent }) => sent === few)
      for (let round = 0; round < 2; round++) {
        sidecar.child.kill('SIGSTOP')
        offered += sendNumbered(sender, offered, offered + 6000, { length: 1000 })
        sidecar.child.kill('SIGCONT')
        await sidecar.untilMetrics('all to be accounted for', ({ captured, sent, droppedTotal }) => {
          return captured === offered && captured === sent + droppedTotal
        })
      }
      // What comes afterwards is mirrored as if nothing had been.
      const before = offered
      offered += sendNumbered(sender, offered, offered + few)
      await sidecar.untilMetrics('the last frames', ({ captured }) => captured === offered)
      const { ended, counters, frames } = await finish()

      expect(ended).toEqual({ code: 0, signal: null })
      const arrived = numbersOf(frames)
      const lost = counters.dropped['ring_full'] ?? 0
      expect(lost).toBeGreaterThan(2000)
      expect(arrived.length + lost).toBe(offered)
      expect(counters).toEqual({
        captured: offered,
        sent: arrived.length,
        dropped: { ring_full: lost },
        droppedTotal: lost,
      })
      expect(arrived).toEqual([...arrived].sort((a, b) => a - b))
      expect(new Set(arrived).size).toBe(arrived.length)
      expect(arrived.filter((index) => index >= before).length).toBe(few)
    })
  }
})

describe('given the default ring', () => {
  it('when the sidecar stands still for as long as a CPU quota holds it up, 75 ms of 250,000 frames of 1,200 bytes a second, then nothing is lost', async () => {
    const { web } = scene
    const { sidecar, finish } = await scene.tap({ FILTER: experimentalFilter })
    const sender = scene.closeLater(openFrameSender(web.node.namespace, web.nodeInterface))
    let offered = sendNumbered(sender, 0, 100)
    await sidecar.untilMetrics('the first frames', ({ sent }) => sent === offered)
    // A sender that is kept from its own core takes longer than 75 ms, and leaves blocks of the ring half empty.
    const lost: number[] = []
    let dropped = 0
    while (lost.length < 10 && lost.at(-1) !== 0) {
      sidecar.child.kill('SIGSTOP')
      offered += sendNumbered(sender, offered, offered + 250_000 * 0.075, { length: 1200 })
      sidecar.child.kill('SIGCONT')
      const { droppedTotal } = await sidecar.untilMetrics('all to be accounted for', ({ captured, sent, ...rest }) => {
        return captured === offered && captured === sent + rest.droppedTotal
      })
      lost.push(droppedTotal - dropped)
      dropped = droppedTotal
    }
    const { ended } = await finish()

    expect(ended).toEqual({ code: 0, signal: null })
    expect(lost.at(-1)).toBe(0)
  })
})
