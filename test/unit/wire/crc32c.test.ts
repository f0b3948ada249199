import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32cBytes, crc32cFinish, crc32cStart, crc32cZeros } from '../../../wire/crc32c.ts'
import { bytesOf } from '../../support/arbitraries.ts'
import { place } from '../../support/frames.ts'
import { referenceCrc32c } from '../../support/reference.ts'

function crcOf(bytes: readonly number[]): number {
  const { memory, at, length } = place(bytes)
  return crc32cFinish(crc32cBytes(memory, at, length, crc32cStart))
}

describe('CRC32c', () => {
  it('gives the check value of the catalogue of CRCs and the vectors of RFC 3720 appendix B.4', () => {
    expect(crcOf([...new TextEncoder().encode('123456789')])).toBe(0xe3069283)
    expect(crcOf(new Array(32).fill(0))).toBe(0x8a9136aa)
    expect(crcOf(new Array(32).fill(0xff))).toBe(0x62a8ab43)
  })

  it('agrees with the reference, also in pieces with zeros between', () => {
    fc.assert(
      fc.property(bytesOf(0, 60), bytesOf(0, 60), (first, second) => {
        const { memory, at } = place([...first, ...second])
        const zeros = crc32cZeros(crc32cBytes(memory, at, first.length, crc32cStart))
        const crc = crc32cFinish(crc32cBytes(memory, at + first.length, second.length, zeros))
        expect(crc).toBe(referenceCrc32c([...first, 0, 0, 0, 0, ...second]))
      }),
      { seed: 61 },
    )
  })
})
