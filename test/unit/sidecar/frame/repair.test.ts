import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { completeChecksum } from '../../../../sidecar/frame/repair.ts'
import { emptyVirtio, type VirtioHeader } from '../../../../wire/virtio.ts'
import { frameSpec } from '../../../support/arbitraries.ts'
import { buildFrame, bytesAt, canariesAlive, guard, place } from '../../../support/frames.ts'
import { be16, referenceCrc32c } from '../../../support/reference.ts'

function partial(csumStart: number, csumOffset: number): VirtioHeader {
  return { ...emptyVirtio(), flags: 1, csumStart, csumOffset }
}

describe('completeChecksum', () => {
  it('given a partial checksum, leaves the frame with the complete one, byte for byte', () => {
    fc.assert(
      fc.property(frameSpec(300), fc.nat({ max: 3 }), (random, alignment) => {
        const spec = { ...random, padding: [] }
        const frame = buildFrame({ ...spec, checksum: 'partial' })
        const { memory, at, length } = place(frame.bytes, alignment)
        const virtio = partial(frame.l4, spec.protocol === 6 ? 16 : 6)
        expect(completeChecksum(memory, at, length, virtio)).toBe(true)
        expect(bytesAt(memory, at, length)).toEqual(buildFrame({ ...spec, checksum: 'complete' }).bytes)
        expect(canariesAlive(memory, at, length)).toBe(true)
      }),
      { numRuns: 300, seed: 30 },
    )
  })

  it('without NEEDS_CSUM changes nothing, so that a corrupt packet stays corrupt', () => {
    fc.assert(
      fc.property(frameSpec(200), fc.nat({ max: 0xffff }), fc.constantFrom(0, 2), (spec, checksum, flags) => {
        const frame = buildFrame({ ...spec, checksum })
        const { memory, at, length } = place(frame.bytes)
        const virtio = { ...partial(frame.l4, spec.protocol === 6 ? 16 : 6), flags }
        expect(completeChecksum(memory, at, length, virtio)).toBe(true)
        expect(bytesAt(memory, at, length)).toEqual(frame.bytes)
      }),
      { seed: 31 },
    )
  })

  it('given a packet whose payload is corrupt under NEEDS_CSUM, gives the checksum that hardware would give', () => {
    const frame = buildFrame({ payload: [1, 2, 3], checksum: 'partial' })
    const bytes = [...frame.bytes]
    bytes[bytes.length - 1] = 99
    const { memory, at, length } = place(bytes)
    completeChecksum(memory, at, length, partial(frame.l4, 16))
    expect(bytesAt(memory, at, length)).toEqual(buildFrame({ payload: [1, 2, 99] }).bytes)
  })

  it('given a checksum that computes to 0, writes 0xffff for UDP and 0 for TCP', () => {
    for (const [protocol, field, expected] of [
      [17, 6, [0xff, 0xff]],
      [6, 16, [0, 0]],
    ] as const) {
      const zero = buildFrame({ protocol, payload: [0, 0] })
      const payload = zero.bytes.slice(zero.l4 + field, zero.l4 + field + 2)
      const frame = buildFrame({ protocol, payload, checksum: 'partial' })
      const { memory, at, length } = place(frame.bytes)
      completeChecksum(memory, at, length, partial(frame.l4, field))
      expect(bytesAt(memory, at + frame.l4 + field, 2)).toEqual(expected)
    }
  })

  it('given csum_start or csum_offset outside the frame, refuses and leaves the bytes', () => {
    const frame = buildFrame({ payload: [1, 2, 3], checksum: 'partial' })
    const { memory, at, length } = place(frame.bytes)
    for (const [start, offset] of [
      [length, 0],
      [length - 1, 0],
      [34, length - 35],
      [34, 65535],
      [65535, 16],
      [65535, 65535],
      [65535, 8],
    ] as const) {
      expect(completeChecksum(memory, at, length, partial(start, offset))).toBe(false)
    }
    expect(bytesAt(memory, at, length)).toEqual(frame.bytes)
    expect(canariesAlive(memory, at, length)).toBe(true)
  })

  it('given any prefix, any start and any offset, reads and writes nothing outside', () => {
    const frame = buildFrame({ tags: [{ tpid: 0x8100, tci: 5 }], payload: [1, 2, 3, 4, 5], checksum: 'partial' })
    for (let length = 0; length <= frame.bytes.length; length++) {
      for (let start = 0; start < 70; start += 3) {
        for (const offset of [0, 2, 6, 8, 16, 40]) {
          const placed = place(frame.bytes.slice(0, length), 2)
          const { memory, outside } = guard(placed)
          expect(completeChecksum(memory, placed.at, length, partial(start, offset))).toBe(start + offset + 2 <= length)
          expect(outside).toEqual([])
        }
      }
    }
  })
})

describe('completeChecksum of SCTP', () => {
  const chunk = [1, 0, 0, 8, 0xaa, 0xbb, 0xcc, 0xdd]
  const sctp = [...be16(5000), ...be16(5001), 9, 9, 9, 9, 0, 0, 0, 0, ...chunk]
  const udp = buildFrame({ protocol: 17, payload: new Array(sctp.length - 8).fill(0) })
  const ip = udp.bytes.slice(0, udp.l4)
  ip[udp.l3 + 9] = 132

  it('gives the CRC32c over the SCTP packet, low byte first, and not a sum', () => {
    const { memory, at, length } = place([...ip, ...sctp, 0, 0])
    expect(completeChecksum(memory, at, length, partial(udp.l4, 8))).toBe(true)
    const crc = referenceCrc32c(sctp)
    const field = [crc & 0xff, (crc >>> 8) & 0xff, (crc >>> 16) & 0xff, crc >>> 24]
    expect(bytesAt(memory, at, length)).toEqual([...ip, ...sctp.slice(0, 8), ...field, ...chunk, 0, 0])
  })

  it('given an SCTP header that the frame has only in part, refuses and leaves the bytes', () => {
    const bytes = [...ip, ...sctp.slice(0, 11)]
    const { memory, at, length } = place(bytes)
    expect(completeChecksum(memory, at, length, partial(udp.l4, 8))).toBe(false)
    expect(bytesAt(memory, at, length)).toEqual(bytes)
  })
})
