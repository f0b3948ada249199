/**
 * Super-frames that a packet socket cannot be told of: virtio_net_hdr_from_skb() in include/linux/virtio_net.h knows
 * those of TCP and of UDP_SEGMENT alone. The kernel drops them behind the ring's back: it has taken a place in the block,
 * and leaves there what an earlier frame wrote. SCTP's are such; those that a virtual machine makes of fragments (UFO)
 * need no SCTP in the kernel.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildFrame } from '../support/frames.ts'
import { numbersOf, range, sendNumbered } from '../support/netns-numbered.ts'
import { Scene } from '../support/netns-scene.ts'
import { openTapDevice, plainFrame, type TapDevice } from '../support/netns-tap-device.ts'

const frames = 800
const length = 2500
/** A quarter of the ring at a time, and time to read it. */
const burst = 50
const burstEveryMs = 20

/** struct virtio_net_hdr: checksum to be finished, VIRTIO_NET_HDR_GSO_UDP, 42 bytes of headers, fragments of 1480. */
const udpFragments = Buffer.from([1, 3, 42, 0, 0xc8, 0x05, 34, 0, 6, 0])
const superFrame = Buffer.from(
  buildFrame({ protocol: 17, payload: new Array(length - 42).fill(0x77), checksum: 'partial' }).bytes,
)

describe('given an interface on which super-frames arrive that the kernel cannot describe', () => {
  let scene: Scene
  let device: TapDevice
  beforeAll(async () => {
    scene = await Scene.create()
    device = scene.closeLater(openTapDevice(scene.web.namespace, 'tap0'))
    await scene.web.namespace.ip(['link set tap0 up'])
  })
  afterAll(() => scene.close())

  it('when they come where other frames have been, then those arrive once, nothing else does, and each of these is counted as lost', async () => {
    // The smallest ring, so that each place has had an earlier frame.
    const { finish } = await scene.tap({ ENGINE: 'ring', INTERFACE: 'tap0', DIRECTION: 'in', RING_MIB: '1' })
    const sender = { send: (frame: Uint8Array) => device.receive(plainFrame, frame), close: () => {} }
    for (let index = 0; index < frames; index += burst) {
      sendNumbered(sender, index, index + burst, { length })
      for (let count = 0; count < burst; count++) device.receive(udpFragments, superFrame)
      await sleep(burstEveryMs)
    }
    const { counters, frames: arrived } = await finish()
    expect(numbersOf(arrived)).toEqual(range(0, frames))
    expect(arrived).toHaveLength(frames)
    const lost = counters.dropped
    expect((lost['malformed'] ?? 0) + (lost['ring_full'] ?? 0)).toBe(frames)
    // The kernel counts both alike, and may have been asked before the place was seen.
    expect(lost['malformed']).toBeGreaterThanOrEqual(frames - burst)
    expect(counters).toMatchObject({ captured: 2 * frames, sent: frames, droppedTotal: frames })
  })
})
