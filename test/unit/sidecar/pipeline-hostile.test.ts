/** Frames from somebody who means harm: any bytes, any sizes, and a virtio header that fits or does not. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Counters } from '../../../sidecar/counters.ts'
import { headroom, Pipeline } from '../../../sidecar/pipeline.ts'
import type { Target } from '../../../sidecar/target/target.ts'
import type { Transport } from '../../../sidecar/tunnel/transport.ts'
import { Memory } from '../../../wire/memory.ts'
import type { VirtioHeader } from '../../../wire/virtio.ts'
import { buildFrame } from '../../support/frames.ts'

const canary = 0xa5
const frameAt = 4098
const longest = 9000
const scratchAt = frameAt + longest + 4096
const scratchLength = 4096
const memoryLength = scratchAt + scratchLength + 4096 + 2

class CheckingTransport implements Transport {
  readonly unsendable = 0
  readonly scratchLength = scratchLength
  readonly targets: readonly Target[]
  readonly #counters: Counters
  #waiting = 0
  frameEnd = 0

  constructor(targets: readonly Target[], counters: Counters) {
    this.targets = targets
    this.#counters = counters
  }

  setTargets() {}
  maxFrame = () => 1450
  add(_target: number, _flow: number, headAt: number, headLength: number, payloadAt: number, payloadLength: number) {
    const inFrame = headAt >= frameAt - headroom && headAt + headLength <= this.frameEnd
    const inScratch = headAt >= scratchAt && headAt + headLength <= scratchAt + scratchLength
    if (headLength < 8 || !(inFrame || inScratch)) throw new Error(`head of ${headLength} bytes at ${headAt}`)
    if (payloadLength < 0) throw new Error(`payload of ${payloadLength} bytes`)
    if (payloadLength > 0 && (payloadAt < frameAt || payloadAt + payloadLength > this.frameEnd)) {
      throw new Error(`payload of ${payloadLength} bytes at ${payloadAt}, past the frame's end`)
    }
    this.#waiting++
  }
  flush() {
    this.#counters.sentFrames += this.#waiting
    this.#waiting = 0
  }
  refresh() {}
  ownTunnel = () => ({ mark: 0, sensorPort: 4789, firstPort4: 0, firstPort6: 0, portCount: 16, addresses: [] })
  paths = () => []
  close() {}
}

const u16 = fc.oneof(fc.nat(80), fc.nat(0xffff))
const virtio: fc.Arbitrary<VirtioHeader> = fc.record({
  flags: fc.nat(3),
  gsoType: fc.constantFrom(0, 0, 1, 3, 4, 5, 7),
  ecn: fc.boolean(),
  headerLength: u16,
  gsoSize: fc.oneof(fc.nat(3), u16),
  csumStart: fc.oneof(fc.constantFrom(34, 54), u16),
  csumOffset: fc.oneof(fc.constantFrom(6, 8, 16), u16),
})

/** Well made headers that a few bytes were changed in, cut or lengthened anywhere: deeper than noise alone would go. */
const damaged = fc
  .record({
    payload: fc.nat(8000),
    source: fc.constantFrom(
      [10, 0, 0, 1],
      Array.from({ length: 16 }, (_, i) => i),
    ),
    damage: fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 4 }),
    length: fc.oneof(fc.constant(longest), fc.nat(120), fc.nat(longest)),
  })
  .map(({ payload, source, damage, length }) => {
    const made = buildFrame({ payload: Array(payload).fill(7), source, destination: source, checksum: 'partial' })
    const bytes = Uint8Array.from(made.bytes.slice(0, length))
    for (const [at, value] of damage) if (at < bytes.length) bytes[at] = value
    return bytes
  })
const frame = fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged)
const sensor: Target = {
  key: 'a',
  name: 'a',
  address: '192.0.2.1',
  family: 4,
  sameNode: false,
  cut: 'unknown',
  seed: 1,
}

describe('given hostile frames', () => {
  it('when they are captured, then no byte but theirs is read into a datagram or written, and all are accounted for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(frame, virtio, fc.boolean()), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(0, 64, 300),
        fc.constantFrom([], [sensor]),
        (frames, snaplen, targets) => {
          const memory = new Memory(new ArrayBuffer(memoryLength & ~3))
          memory.u8.fill(canary)
          const counters = new Counters()
          const transport = new CheckingTransport(targets, counters)
          const settings = { vni: 1, snaplen, segment: 'fit', maxMbps: 0, sampleFlows: 100 } as const
          const pipeline = new Pipeline(memory, scratchAt, transport, settings, counters)
          for (const [bytes, header, cut] of frames) {
            memory.u8.set(bytes, frameAt)
            transport.frameEnd = frameAt + bytes.length
            pipeline.frame(frameAt, bytes.length, header, cut)
            pipeline.flush()
            memory.u8.fill(canary, frameAt - headroom, frameAt + bytes.length)
          }
          memory.u8.fill(canary, scratchAt, scratchAt + scratchLength)
          expect(memory.u8.every((byte) => byte === canary)).toBe(true)
          expect(counters.capturedFrames).toBe(counters.sentFrames + counters.totalDropped())
        },
      ),
      { numRuns: 1500, seed: 20 },
    )
  })
})
