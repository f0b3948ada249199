import { describe, expect, it } from 'vitest'
import { copyBytes, readU16be, readU32be, writeU16be, writeU32be } from '../../../wire/memory.ts'
import { bytesAt, canariesAlive, place } from '../../support/frames.ts'

describe('copyBytes', () => {
  it('copies exactly the bytes, for every length to 70 and every pair of alignments', () => {
    const bytes = Array.from({ length: 70 }, (_, i) => i + 1)
    for (let length = 0; length <= 70; length++) {
      for (let alignment = 0; alignment < 4; alignment++) {
        for (let shift = 0; shift < 4; shift++) {
          const { memory, at, outAt } = place(bytes, alignment, 80)
          const to = outAt + shift
          copyBytes(memory, at, length, to)
          expect(bytesAt(memory, to, length)).toEqual(bytes.slice(0, length))
          memory.u8.fill(0xa5, to, to + length)
          expect(canariesAlive(memory, at, bytes.length)).toBe(true)
        }
      }
    }
  })
})

describe('numbers in network order', () => {
  it('are written and read most significant byte first, unsigned, at odd addresses too', () => {
    const { memory, at } = place(new Array(6).fill(0), 1)
    writeU32be(memory.u8, at, 0xfedcba98)
    writeU16be(memory.u8, at + 4, 0x8001)
    expect(bytesAt(memory, at, 6)).toEqual([0xfe, 0xdc, 0xba, 0x98, 0x80, 0x01])
    expect(readU32be(memory.u8, at)).toBe(0xfedcba98)
    expect(readU16be(memory.u8, at + 4)).toBe(0x8001)
    expect(canariesAlive(memory, at, 6)).toBe(true)
  })
})
