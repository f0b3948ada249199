import { describe, expect, it } from 'vitest'
import { Counters } from '../../../sidecar/counters.ts'
import { headroom, Pipeline, type PipelineSettings } from '../../../sidecar/pipeline.ts'
import type { Target } from '../../../sidecar/target/target.ts'
import type { Transport } from '../../../sidecar/tunnel/transport.ts'
import { Memory } from '../../../wire/memory.ts'
import { emptyVirtio, gsoTcpV4, type VirtioHeader, virtioNeedsCsum } from '../../../wire/virtio.ts'
import { buildFrame } from '../../support/frames.ts'
import { referenceSegments } from '../../support/reference.ts'

const memorySize = 1 << 18
const frameAt = 1 << 10
const scratchAt = (1 << 17) + 2
const vxlan = (vni: number) => [0x08, 0, 0, 0, vni >> 16, (vni >> 8) & 0xff, vni & 0xff, 0]

function target(name: string): Target {
  return {
    key: name,
    name,
    address: '192.0.2.1',
    family: 4,
    sameNode: false,
    cut: 'unknown',
    seed: name.charCodeAt(0) * 0x9e3779b1,
  }
}

/** Keeps what it is given, as bytes, the way a socket would put it on the wire at the next flush. */
class RecordingTransport implements Transport {
  readonly unsendable = 0
  readonly scratchLength: number
  readonly datagrams: { target: string; flow: number; bytes: number[] }[] = []
  flushes = 0
  targets: readonly Target[] = [target('a')]
  largest = Number.POSITIVE_INFINITY
  #waiting: { target: number; flow: number; pieces: [number, number][] }[] = []
  readonly #memory: Memory
  readonly #counters: Counters

  constructor(memory: Memory, counters: Counters, scratchLength: number) {
    this.#memory = memory
    this.#counters = counters
    this.scratchLength = scratchLength
  }

  maxFrame = () => this.largest
  setTargets = (targets: readonly Target[]) => {
    this.targets = targets
  }
  add(to: number, flow: number, headAt: number, headLength: number, payloadAt: number, payloadLength: number) {
    this.#waiting.push({
      target: to,
      flow,
      pieces: [
        [headAt, headLength],
        [payloadAt, payloadLength],
      ],
    })
  }
  flush() {
    this.flushes++
    for (const { target: to, flow, pieces } of this.#waiting) {
      const bytes = pieces.flatMap(([at, length]) => [...this.#memory.u8.subarray(at, at + length)])
      this.datagrams.push({ target: this.targets[to]!.name, flow, bytes })
      this.#counters.sentFrames++
      this.#counters.sentBytes += bytes.length
    }
    this.#waiting = []
  }
  refresh = () => {}
  ownTunnel = () => ({ mark: 0, sensorPort: 4789, firstPort4: 0, firstPort6: 0, portCount: 16, addresses: [] })
  paths = () => []
  close = () => {}
}

const defaults: PipelineSettings = { vni: 1, snaplen: 0, segment: 'fit', maxMbps: 0, sampleFlows: 100 }

function given(settings: Partial<PipelineSettings> = {}, scratchLength = 1 << 16) {
  const memory = new Memory(new ArrayBuffer(memorySize))
  const counters = new Counters()
  const transport = new RecordingTransport(memory, counters, scratchLength)
  const pipeline = new Pipeline(memory, scratchAt, transport, { ...defaults, ...settings }, counters)
  const captured = (bytes: ArrayLike<number>, virtio: VirtioHeader = emptyVirtio(), cut = false) => {
    memory.u8.fill(0xa5, frameAt - headroom, frameAt)
    memory.u8.set(bytes, frameAt)
    pipeline.frame(frameAt, bytes.length, virtio, cut)
    pipeline.flush()
  }
  const lawHolds = () => expect(counters.capturedFrames).toBe(counters.sentFrames + counters.totalDropped())
  return { counters, transport, pipeline, captured, lawHolds }
}

const plain = buildFrame({ payload: [1, 2, 3, 4, 5] })
const partial = buildFrame({ payload: [1, 2, 3, 4, 5], checksum: 'partial' })
const needsCsum = (frame: { l4: number }): VirtioHeader => ({
  ...emptyVirtio(),
  flags: virtioNeedsCsum,
  csumStart: frame.l4,
  csumOffset: 16,
})
const bulk = buildFrame({ payload: Array.from({ length: 5000 }, (_, i) => i & 0xff), checksum: 'partial' })
const bulkVirtio: VirtioHeader = { ...needsCsum(bulk), gsoType: gsoTcpV4, gsoSize: 1448 }

describe('given one sensor', () => {
  it('when an ordinary frame is captured, then its datagram is the VXLAN header and the frame', () => {
    const { captured, transport, lawHolds } = given({ vni: 0xabcdef })
    captured(plain.bytes)
    expect(transport.datagrams.map(({ bytes }) => bytes)).toEqual([[...vxlan(0xabcdef), ...plain.bytes]])
    lawHolds()
  })

  it('when the kernel says that the checksum is partial, then it is completed', () => {
    const { captured, transport, counters } = given()
    captured(partial.bytes, needsCsum(partial))
    expect(transport.datagrams[0]!.bytes.slice(8)).toEqual([...plain.bytes])
    expect(counters.checksumsCompleted).toBe(1)
  })

  it('when a wrong checksum is not said to be partial, then it stays wrong', () => {
    const corrupt = buildFrame({ payload: [1, 2, 3], checksum: 0xdead })
    const { captured, transport } = given()
    captured(corrupt.bytes)
    expect(transport.datagrams[0]!.bytes.slice(8)).toEqual([...corrupt.bytes])
  })

  it('when a super-frame is captured, then its segments leave in order and count as captured', () => {
    const { captured, transport, counters, lawHolds } = given()
    captured(bulk.bytes, bulkVirtio)
    expect(transport.datagrams.map(({ bytes }) => bytes.slice(8))).toEqual(referenceSegments(bulk, 1448))
    expect(counters).toMatchObject({ superFrames: 1, segments: 4, capturedFrames: 4, sentFrames: 4 })
    lawHolds()
  })

  it('when SEGMENT=fit and the path is narrow, then segments are cut to fit it; with wire they are not', () => {
    for (const [segment, size] of [
      ['fit', 1300 - bulk.headerLength],
      ['wire', 1448],
    ] as const) {
      const { captured, transport } = given({ segment })
      transport.largest = 1300
      captured(bulk.bytes, bulkVirtio)
      expect(transport.datagrams.map(({ bytes }) => bytes.slice(8))).toEqual(referenceSegments(bulk, size))
    }
  })

  it('when scratch space is short, then it is flushed in between and nothing changes', () => {
    const { captured, transport } = given({}, 200)
    captured(bulk.bytes, bulkVirtio)
    expect(transport.flushes).toBeGreaterThan(1)
    expect(transport.datagrams.map(({ bytes }) => bytes.slice(8))).toEqual(referenceSegments(bulk, 1448))
  })

  it.each([60, 64, 100, 2000])('when SNAPLEN is %i, then each frame is cut to it after repair', (snaplen) => {
    const { captured, transport, counters, lawHolds } = given({ snaplen })
    captured(bulk.bytes, bulkVirtio)
    const expected = referenceSegments(bulk, 1448).map((bytes) => bytes.slice(0, snaplen))
    expect(transport.datagrams.map(({ bytes }) => bytes.slice(8))).toEqual(expected)
    expect(counters.snappedFrames).toBe(referenceSegments(bulk, 1448).filter((bytes) => bytes.length > snaplen).length)
    lawHolds()
  })
})

describe('given something that keeps a frame from leaving', () => {
  it('when no sensor is known, then a super-frame counts as its segments under no_sensor', () => {
    const { captured, transport, counters, lawHolds } = given()
    transport.targets = []
    captured(plain.bytes)
    captured(bulk.bytes, bulkVirtio)
    expect(counters.dropped.no_sensor).toBe(1 + 4)
    lawHolds()
  })

  it('when the kernel kept only part of a frame, then it is counted as truncated and not sent', () => {
    const { captured, transport, counters, lawHolds } = given()
    captured(plain.bytes, emptyVirtio(), true)
    captured(bulk.bytes, bulkVirtio, true)
    expect(transport.datagrams).toEqual([])
    expect(counters.dropped.truncated).toBe(2)
    lawHolds()
  })

  it("when a super-frame's headers contradict the kernel, then it is counted as malformed", () => {
    const { captured, counters, lawHolds } = given()
    captured(bulk.bytes, { ...bulkVirtio, csumStart: 3 })
    expect(counters.dropped.malformed).toBe(1)
    lawHolds()
  })

  it('when MAX_MBPS is reached, then what is over it is counted, and time brings room again', () => {
    const { captured, pipeline, transport, counters, lawHolds } = given({ maxMbps: 1 })
    pipeline.tick(0)
    for (let i = 0; i < 1000; i++) captured(plain.bytes)
    const burst = transport.datagrams.length
    expect(burst).toBeGreaterThan(10)
    expect(counters.dropped.rate_limited).toBe(1000 - burst)
    pipeline.tick(100)
    captured(plain.bytes)
    expect(transport.datagrams.length).toBe(burst + 1)
    lawHolds()
  })

  it('when SNAPLEN is set beside MAX_MBPS, then only what is sent counts against the limit', () => {
    const large = buildFrame({ payload: Array.from({ length: 1400 }, () => 1) })
    const sentWithin = (snaplen: number) => {
      const { captured, pipeline, transport } = given({ maxMbps: 1, snaplen })
      pipeline.tick(0)
      for (let i = 0; i < 1000; i++) captured(large.bytes)
      return transport.datagrams.length
    }
    expect(sentWithin(64)).toBeGreaterThan(10 * sentWithin(0))
  })

  it('when SAMPLE_FLOWS is 25, then about a quarter of the flows is mirrored, each whole and in both directions', () => {
    const { captured, transport, counters, lawHolds } = given({ sampleFlows: 25 })
    let flows = 0
    for (let port = 1000; port < 2000; port++) {
      const before = transport.datagrams.length
      for (let i = 0; i < 3; i++) captured(buildFrame({ sourcePort: port }).bytes)
      captured(
        buildFrame({ source: [10, 0, 0, 2], destination: [10, 0, 0, 1], sourcePort: 443, destinationPort: port }).bytes,
      )
      const mirrored = transport.datagrams.length - before
      expect([0, 4]).toContain(mirrored)
      if (mirrored > 0) flows++
    }
    expect(flows).toBeGreaterThan(180)
    expect(flows).toBeLessThan(320)
    expect(counters.dropped.sampled_out).toBe(4 * (1000 - flows))
    lawHolds()
  })
})

describe('given several sensors', () => {
  it('when one leaves, then the flows of the others stay where they were', () => {
    const { captured, transport } = given()
    const all = ['a', 'b', 'c'].map(target)
    const choose = () => {
      transport.datagrams.length = 0
      for (let port = 1000; port < 1300; port++) captured(buildFrame({ sourcePort: port }).bytes)
      return transport.datagrams.map((datagram) => datagram.target)
    }
    transport.targets = all
    const before = choose()
    transport.targets = [all[0]!, all[2]!]
    const after = choose()
    expect(new Set(before)).toEqual(new Set(['a', 'b', 'c']))
    before.forEach((name, index) => {
      if (name !== 'b') expect(after[index]).toBe(name)
    })
  })
})
