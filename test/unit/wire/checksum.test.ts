import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  finishChecksum,
  finishUdpChecksum,
  foldSum,
  lane,
  lanes32,
  readLane,
  sumBytes,
  sumPseudoHeader,
  writeLane,
} from '../../../wire/checksum.ts'
import { bytesOf } from '../../support/arbitraries.ts'
import { bytesAt, canariesAlive, guard, place } from '../../support/frames.ts'
import { be16, pseudoHeaderBytes, referenceChecksum } from '../../support/reference.ts'

/** Network-order checksum from a lane. */
function checksumOf(sum: number): number {
  return lane(finishChecksum(sum))
}

describe('sumBytes', () => {
  it('gives the checksum of the example in RFC 1071 section 3', () => {
    const { memory, at } = place([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])
    expect(lane(foldSum(sumBytes(memory, at, 8)))).toBe(0xddf2)
  })

  it('agrees with the reference for every length to 300 at every alignment', () => {
    const bytes = Array.from({ length: 300 }, (_, i) => (i * 167 + (i >> 3) * 31 + 129) & 0xff)
    for (let length = 0; length <= 300; length++) {
      const expected = referenceChecksum(bytes.slice(0, length))
      for (let alignment = 0; alignment < 8; alignment++) {
        const { memory, at } = place(bytes, alignment)
        expect(checksumOf(sumBytes(memory, at, length)), `length ${length}, alignment ${alignment}`).toBe(expected)
      }
    }
  })

  it('agrees with the reference for random bytes, large ones and all 0xff', () => {
    fc.assert(
      fc.property(
        fc.oneof(bytesOf(0, 3000), fc.constant(new Array(70_001).fill(0xff))),
        fc.nat({ max: 7 }),
        (bytes, shift) => {
          const { memory, at } = place(bytes, shift)
          expect(checksumOf(sumBytes(memory, at, bytes.length))).toBe(referenceChecksum(bytes))
        },
      ),
      { numRuns: 200, seed: 1 },
    )
  })

  it('chains after an even stretch through initial', () => {
    fc.assert(
      fc.property(bytesOf(0, 200), bytesOf(0, 200), fc.nat({ max: 3 }), (first, second, shift) => {
        const even = first.slice(0, first.length & ~1)
        const { memory, at } = place([...even, ...second], shift)
        const sum = sumBytes(memory, at + even.length, second.length, sumBytes(memory, at, even.length))
        expect(checksumOf(sum)).toBe(referenceChecksum([...even, ...second]))
      }),
      { seed: 2 },
    )
  })

  it('reads no byte but its own', () => {
    for (let length = 0; length < 80; length++) {
      for (let alignment = 0; alignment < 4; alignment++) {
        const placed = place(new Array(length).fill(1), alignment)
        const { memory, outside } = guard(placed)
        sumBytes(memory, placed.at, length)
        expect(outside).toEqual([])
      }
    }
  })
})

describe('foldSum', () => {
  it('is zero for zero only, and keeps the value modulo 65535', () => {
    expect(foldSum(0)).toBe(0)
    // The carries of this one make a carry of their own.
    expect(foldSum(0x1_ffff_ffff)).toBe(1)
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }), (sum) => {
        const folded = foldSum(Number(sum))
        expect(folded).toBeGreaterThan(0)
        expect(folded).toBeLessThanOrEqual(0xffff)
        expect(BigInt(folded) % 0xffffn).toBe(sum % 0xffffn)
      }),
      { seed: 3 },
    )
  })
})

describe('lanes and fields', () => {
  it('given a number in network order, adds what its bytes would have added', () => {
    const { memory, at } = place([0x12, 0x34, 0x56, 0x78])
    expect(foldSum(lanes32(0x12345678))).toBe(foldSum(sumBytes(memory, at, 4)))
    expect(lane(lane(0xabcd))).toBe(0xabcd)
  })

  it('writes a checksum in network order at any address and reads it back', () => {
    for (const alignment of [0, 1]) {
      const { memory, at } = place([1, 2], alignment)
      writeLane(memory, at, lane(0xbeef))
      expect(bytesAt(memory, at, 2)).toEqual([0xbe, 0xef])
      expect(readLane(memory, at)).toBe(lane(0xbeef))
      expect(canariesAlive(memory, at, 2)).toBe(true)
    }
  })

  it('makes 0xffff of 0 for UDP and leaves 0 for others', () => {
    expect(finishChecksum(0xffff)).toBe(0)
    expect(finishUdpChecksum(0xffff)).toBe(0xffff)
    expect(finishUdpChecksum(1)).toBe(0xfffe)
  })
})

describe('sumPseudoHeader', () => {
  it('agrees with the reference for both IP versions, and for lengths above 64 KiB', () => {
    for (const length of [8, 1480, 0xffff, 200_001]) {
      const source = Array.from({ length: 16 }, (_, i) => i * 11 + 3)
      const destination = Array.from({ length: 16 }, (_, i) => i * 7 + 130)
      const { memory, at } = place([...source, ...destination])
      const sixth = pseudoHeaderBytes({ version: 6, source, destination, protocol: 17 }, length)
      expect(checksumOf(sumPseudoHeader(memory, at, at + 16, 16, 17, length))).toBe(referenceChecksum(sixth))
      if (length > 0xffff) continue
      const [a, b] = [source.slice(0, 4), destination.slice(0, 4)]
      const fourth = [...a, ...b, 0, 6, ...be16(length)]
      expect(checksumOf(sumPseudoHeader(memory, at, at + 16, 4, 6, length))).toBe(referenceChecksum(fourth))
    }
  })
})
