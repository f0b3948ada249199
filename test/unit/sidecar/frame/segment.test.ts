import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  emptySegmentPlan,
  planSegments,
  segmentDropReasons,
  segmentLength,
  segmentMalformed,
  segmentOk,
  segmentTruncated,
  writeSegment,
} from '../../../../sidecar/frame/segment.ts'
import type { VirtioHeader } from '../../../../wire/virtio.ts'
import { frameSpec } from '../../../support/arbitraries.ts'
import {
  buildFrame,
  bytesAt,
  canariesAlive,
  destinationV6,
  type FrameSpec,
  guard,
  place,
  sourceV6,
} from '../../../support/frames.ts'
import { pseudoHeaderBytes, referenceChecksum, referenceSegments, type SuperFrame } from '../../../support/reference.ts'

function virtioOf(frame: SuperFrame, gsoSize: number, needsCsum: boolean): VirtioHeader {
  const tcp = frame.pseudo.protocol === 6
  const gsoType = tcp ? (frame.pseudo.version === 4 ? 1 : 4) : 5
  return {
    flags: needsCsum ? 1 : 2,
    gsoType,
    ecn: true,
    headerLength: 17,
    gsoSize,
    csumStart: needsCsum ? frame.l4 : 0,
    csumOffset: needsCsum ? (tcp ? 16 : 6) : 0,
  }
}

/** Cuts a frame with the code under test: whole segments, payload taken from where the plan says it lies. */
function cut(frame: SuperFrame, virtio: VirtioHeader, maxFrame: number, alignment = 0, outShift = 0): number[][] {
  const { memory, at, length, outAt } = place(frame.bytes, alignment, 512)
  const before = bytesAt(memory, at, length)
  const plan = emptySegmentPlan()
  expect(planSegments(memory, at, length, virtio, maxFrame, plan)).toBe(segmentOk)
  const segments: number[][] = []
  for (let index = 0; index < plan.count; index++) {
    const out = outAt + outShift
    memory.u8.fill(0xa5, outAt)
    expect(writeSegment(memory, plan, index, out)).toBe(plan.headerLength)
    const header = bytesAt(memory, out, plan.headerLength)
    segments.push([
      ...header,
      ...bytesAt(memory, plan.payloadAt + index * plan.segmentSize, segmentLength(plan, index)),
    ])
    memory.u8.fill(0xa5, out, out + plan.headerLength)
    expect(canariesAlive(memory, at, length)).toBe(true)
  }
  expect(bytesAt(memory, at, length)).toEqual(before)
  return segments
}

function tcp(payload: number, changes: Partial<FrameSpec> = {}): SuperFrame {
  return buildFrame({
    payload: Array.from({ length: payload }, (_, i) => (i * 7) & 0xff),
    checksum: 'partial',
    ...changes,
  })
}

const v6 = { version: 6, source: sourceV6, destination: destinationV6 } as const

describe('segments of random super-frames', () => {
  it('are, byte for byte, those of an independent segmenter, on the wire and cut to fit', () => {
    fc.assert(
      fc.property(
        frameSpec(1500),
        fc.integer({ min: 1, max: 700 }),
        fc.boolean(),
        fc.option(fc.integer({ min: 20, max: 500 })),
        fc.nat({ max: 3 }),
        fc.nat({ max: 3 }),
        (spec, gsoSize, needsCsum, maxFrame, alignment, outShift) => {
          const frame = buildFrame({ ...spec, checksum: needsCsum ? 'partial' : 'complete' })
          const headerLength = frame.headerLength - (frame.jumbo === -1 ? 0 : 8)
          const room = (maxFrame ?? Infinity) - headerLength
          const size = spec.protocol === 6 && room >= 1 ? Math.min(gsoSize, room) : gsoSize
          const virtio = virtioOf(frame, gsoSize, needsCsum)
          const segments = cut(frame, virtio, maxFrame ?? Infinity, alignment, outShift)
          expect(segments).toEqual(referenceSegments(frame, size))
          expect(segments.flatMap((segment) => segment.slice(headerLength))).toEqual(spec.payload)
          if (spec.protocol === 6 && room >= 1) {
            for (const segment of segments) expect(segment.length).toBeLessThanOrEqual(maxFrame ?? Infinity)
          }
        },
      ),
      { numRuns: 500, seed: 20 },
    )
  }, 60_000)

  it('given a plan that is used again, depend on nothing of the frame before', () => {
    const plan = emptySegmentPlan()
    fc.assert(
      fc.property(frameSpec(200), fc.integer({ min: 1, max: 90 }), fc.boolean(), (spec, gsoSize, needsCsum) => {
        const frame = buildFrame({ ...spec, checksum: needsCsum ? 'partial' : 'complete' })
        const { memory, at, length } = place(frame.bytes)
        const virtio = virtioOf(frame, gsoSize, needsCsum)
        const fresh = emptySegmentPlan()
        planSegments(memory, at, length, virtio, Infinity, fresh)
        planSegments(memory, at, length, virtio, Infinity, plan)
        expect(plan).toEqual(fresh)
      }),
      { numRuns: 100, seed: 21 },
    )
  })
})

describe('a TCP super-frame', () => {
  it('keeps FIN and PSH for the last segment and CWR for the first', () => {
    const frame = tcp(250, { flags: 0x80 | 0x40 | 0x10 | 0x08 | 0x01 })
    const flags = cut(frame, virtioOf(frame, 100, true), Infinity).map((segment) => segment[frame.l4 + 13])
    expect(flags).toEqual([0x80 | 0x40 | 0x10, 0x40 | 0x10, 0x40 | 0x10 | 0x08 | 0x01])
  })

  it('given CWR that the kernel does not call a signal of RFC 3168, keeps it in each: it is a bit of Accurate ECN', () => {
    const frame = tcp(250, { flags: 0x80 | 0x10 })
    const segments = cut(frame, { ...virtioOf(frame, 100, true), ecn: false }, Infinity)
    expect(segments.map((segment) => segment[frame.l4 + 13])).toEqual([0x90, 0x90, 0x90])
    for (const segment of segments) {
      const tcpBytes = segment.slice(frame.l4)
      expect(referenceChecksum([...pseudoHeaderBytes(frame.pseudo, tcpBytes.length), ...tcpBytes])).toBe(0)
    }
  })

  it('given sequence and identification near their ends, wraps them', () => {
    const frame = tcp(300, { sequence: 2 ** 32 - 150, identification: 0xfffe })
    const segments = cut(frame, virtioOf(frame, 100, true), Infinity)
    expect(segments).toEqual(referenceSegments(frame, 100))
    expect(segments.map((segment) => segment.slice(frame.l3 + 4, frame.l3 + 6))).toEqual([
      [255, 254],
      [255, 255],
      [0, 0],
    ])
    expect(segments[2]!.slice(frame.l4 + 4, frame.l4 + 8)).toEqual([0, 0, 0, 50])
  })

  it('given 64 KiB as veth hands over, gives 45 full segments', () => {
    const frame = tcp(45 * 1448, { tcpOptions: new Array(12).fill(1) })
    const segments = cut(frame, virtioOf(frame, 1448, true), Infinity, 2)
    expect(segments).toHaveLength(45)
    expect(segments).toEqual(referenceSegments(frame, 1448))
  })

  it.each([
    ['IPv4, total length 0', {}, 0],
    ['IPv6, payload length 0 and a jumbo header, which goes', { ...v6, extensions: ['jumbo'] }, 8],
    ['IPv6, payload length 0 without one', { ...v6 }, 0],
  ] as const)('above 64 KiB (%s) is cut like any other', (_name, changes, removed) => {
    const frame = tcp(100_001, changes)
    const segments = cut(frame, virtioOf(frame, 1448, true), Infinity)
    expect(segments).toEqual(referenceSegments(frame, 1448))
    expect(segments[0]).toHaveLength(frame.headerLength - removed + 1448)
  })

  it('given no more room in the tunnel than its headers, is cut at its own segment size', () => {
    const frame = tcp(500)
    for (const maxFrame of [0, frame.headerLength]) {
      expect(cut(frame, virtioOf(frame, 200, true), maxFrame)).toEqual(referenceSegments(frame, 200))
    }
    expect(cut(frame, virtioOf(frame, 200, true), frame.headerLength + 1)).toHaveLength(500)
  })

  it('given bytes after the IP packet, does not take them for payload', () => {
    const frame = tcp(150, { padding: [9, 9, 9, 9, 9, 9] })
    const segments = cut(frame, virtioOf(frame, 100, true), Infinity)
    expect(segments.map((segment) => segment.length - frame.headerLength)).toEqual([100, 50])
  })
})

describe('a UDP super-frame', () => {
  it('is never cut smaller than its datagrams, whatever fits the tunnel', () => {
    const frame = tcp(1000, { protocol: 17 })
    expect(cut(frame, virtioOf(frame, 400, true), 100)).toEqual(referenceSegments(frame, 400))
  })

  it('whose sender made no checksum gets none', () => {
    const frame = tcp(300, { protocol: 17, checksum: 0 })
    for (const segment of cut(frame, virtioOf(frame, 100, false), Infinity)) {
      expect(segment.slice(frame.l4 + 6, frame.l4 + 8)).toEqual([0, 0])
    }
  })

  it('whose checksum computes to 0 is sent with 0xffff', () => {
    const zero = tcp(2, { protocol: 17, payload: [0, 0] })
    const sum = referenceSegments(zero, 2)[0]!.slice(zero.l4 + 6, zero.l4 + 8)
    const frame = tcp(2, { protocol: 17, payload: sum })
    expect(cut(frame, virtioOf(frame, 2, true), Infinity)[0]!.slice(frame.l4 + 6, frame.l4 + 8)).toEqual([255, 255])
  })
})

/** Each: a super-frame, what is done to it, and the verdict. */
const hostile: [string, (bytes: number[], virtio: VirtioHeader, frame: SuperFrame) => void][] = [
  ['an unknown gso type', (_b, v) => (v.gsoType = 2)],
  ['UFO', (_b, v) => (v.gsoType = 3)],
  ['a gso type of the other IP version', (_b, v) => (v.gsoType = 4)],
  ['a gso type of the other protocol', (_b, v) => (v.gsoType = 5)],
  ['a segment size of 0', (_b, v) => (v.gsoSize = 0)],
  ['csum_start inside the IP header', (_b, v) => (v.csumStart = 20)],
  ['csum_start far outside', (_b, v) => (v.csumStart = 65535)],
  ['csum_offset of UDP on TCP', (_b, v) => (v.csumOffset = 6)],
  ['IP version 5', (b, _v, f) => (b[f.l3] = 0x55)],
  ['an IP header of 16 bytes', (b, _v, f) => (b[f.l3] = 0x44)],
  ['an IP header longer than the total length', (b, _v, f) => b.splice(f.l3 + 2, 2, 0, 19)],
  ['a total length that ends inside the TCP header', (b, _v, f) => b.splice(f.l3 + 2, 2, 0, 30)],
  ['the first of several fragments', (b, _v, f) => (b[f.l3 + 6] = 0x20)],
  ['a later fragment', (b, _v, f) => (b[f.l3 + 7] = 1)],
  ['a protocol that is not TCP', (b, _v, f) => (b[f.l3 + 9] = 1)],
  ['a data offset of 0', (b, _v, f) => (b[f.l4 + 12] = 0)],
  ['a data offset of 16 bytes', (b, _v, f) => (b[f.l4 + 12] = 0x40)],
  ['ARP', (b) => b.splice(12, 2, 0x08, 0x06)],
  ['a VLAN tag announced in place of IP', (b) => b.splice(12, 2, 0x81, 0)],
  ['nothing but VLAN tags', (b) => b.splice(12, b.length - 12, ...b.slice(12).map((_x, i) => (i % 2 ? 0 : 0x81)))],
  ['an LLC length', (b) => b.splice(12, 2, 0, 100)],
]

describe('super-frames whose headers contradict themselves', () => {
  it.each(hostile)('given %s, are malformed, and only they are read', (_name, spoil) => {
    const frame = tcp(300)
    const bytes = [...frame.bytes]
    const virtio = virtioOf(frame, 100, true)
    spoil(bytes, virtio, frame)
    const placed = place(bytes)
    const { memory, outside } = guard(placed)
    expect(planSegments(memory, placed.at, placed.length, virtio, Infinity, emptySegmentPlan())).toBe(segmentMalformed)
    expect(outside).toEqual([])
  })

  it('given a data offset past the packet, a UDP length unlike the IP one, a segment above 64 KiB, are malformed', () => {
    const small = tcp(4)
    const bytes = [...small.bytes]
    bytes[small.l4 + 12] = 0xf0
    const first = place(bytes)
    const plan = emptySegmentPlan()
    expect(planSegments(first.memory, first.at, first.length, virtioOf(small, 1, true), 0, plan)).toBe(segmentMalformed)

    const udp = tcp(100, { protocol: 17 })
    const other = [...udp.bytes]
    other[udp.l4 + 5]!++
    const second = place(other)
    expect(planSegments(second.memory, second.at, second.length, virtioOf(udp, 9, true), 0, plan)).toBe(
      segmentMalformed,
    )

    const big = tcp(70_000)
    const third = place(big.bytes)
    expect(planSegments(third.memory, third.at, third.length, virtioOf(big, 65535, true), Infinity, plan)).toBe(
      segmentMalformed,
    )
  })

  it('given any prefix of a frame, say why, and read nothing past it', () => {
    for (const changes of [
      {},
      { ...v6, extensions: ['hopByHop', 'routing', 'authentication'] },
      { protocol: 17 },
    ] as const) {
      const frame = tcp(60, changes)
      for (let length = 0; length < frame.bytes.length; length++) {
        const placed = place(frame.bytes.slice(0, length))
        const { memory, outside } = guard(placed)
        const result = planSegments(memory, placed.at, length, virtioOf(frame, 20, true), Infinity, emptySegmentPlan())
        expect(result, `${length} bytes`).toBe(length < frame.l4 ? segmentMalformed : segmentTruncated)
        expect(outside).toEqual([])
      }
    }
  })

  it('given random bytes in the headers, never throw, read or write outside', () => {
    fc.assert(
      fc.property(
        frameSpec(120),
        fc.array(fc.tuple(fc.nat({ max: 130 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        (spec, edits, gsoSize, needsCsum) => {
          const frame = buildFrame({ ...spec, checksum: 'partial' })
          const bytes = [...frame.bytes]
          for (const [offset, value] of edits) if (offset < bytes.length) bytes[offset] = value
          const placed = place(bytes, 2, 512)
          const { memory, outside } = guard(placed)
          const plan = emptySegmentPlan()
          const virtio = virtioOf(frame, gsoSize, needsCsum)
          const result = planSegments(memory, placed.at, placed.length, virtio, Infinity, plan)
          expect(outside).toEqual([])
          if (result !== segmentOk) return
          for (let index = 0; index < plan.count; index++) {
            expect(segmentLength(plan, index)).toBeGreaterThanOrEqual(0)
            const start = plan.payloadAt + index * plan.segmentSize
            expect(start + segmentLength(plan, index)).toBeLessThanOrEqual(placed.at + placed.length)
            writeSegment(placed.memory, plan, index, placed.outAt)
          }
          placed.memory.u8.fill(0xa5, placed.outAt, placed.outAt + plan.headerLength)
          expect(canariesAlive(placed.memory, placed.at, placed.length)).toBe(true)
        },
      ),
      { numRuns: 400, seed: 22 },
    )
  })

  it('have a drop reason for each verdict', () => {
    expect(segmentDropReasons[segmentOk]).toBeNull()
    expect(segmentDropReasons[segmentMalformed]).toBe('malformed')
    expect(segmentDropReasons[segmentTruncated]).toBe('truncated')
  })
})
