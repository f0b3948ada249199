import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memcmp } from '../../../../sidecar/linux/libc.ts'
import { type RingPlace, reserveRing } from '../../../../sidecar/linux/ring-place.ts'
import { foldSum, sumBytes } from '../../../../wire/checksum.ts'
import { copyBytes, longestStretch, Memory } from '../../../../wire/memory.ts'

const ringLength = 1 << 20
const scratchLength = 256 << 10
const length = ringLength + scratchLength

let place: RingPlace
let javascript: Memory

/** Bytes without a pattern that a sum could hide in. */
function fill(bytes: Uint8Array): void {
  let state = 1
  for (let index = 0; index < bytes.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[index] = state >>> 24
  }
}

beforeAll(() => {
  place = reserveRing(ringLength, scratchLength)
  javascript = new Memory(place.memory.buffer)
})

describe('a place for the ring', () => {
  it('is in memory that vector instructions sum', () => {
    expect(place.obstacle).toBeUndefined()
    expect(place.memory.sumStretch).toBeTypeOf('function')
  })

  it('has at its address the bytes that its views show, to the last', () => {
    fill(place.memory.u8)
    expect(memcmp(place.address, Buffer.from(place.memory.buffer, 0, length), length)).toBe(0)
    place.memory.u8[length - 1] = ~place.memory.u8[length - 1]!
    expect(memcmp(place.address + length - 1, Buffer.from([place.memory.u8[length - 1]!]), 1)).toBe(0)
  })

  it('shows zeroes once the ring is taken away, and keeps what is in scratch', () => {
    fill(place.memory.u8)
    const scratch = Uint8Array.from(place.memory.u8.subarray(ringLength, length))
    place.detach()
    expect(place.memory.u8.subarray(0, ringLength).every((byte) => byte === 0)).toBe(true)
    expect(Buffer.from(scratch).equals(place.memory.u8.subarray(ringLength, length))).toBe(true)
  })

  it('gives its pages back, given that it is no longer needed, and can be looked at all the same', () => {
    const other = reserveRing(ringLength, scratchLength)
    fill(other.memory.u8)
    other.unmap()
    expect(other.memory.u8.subarray(0, length).every((byte) => byte === 0)).toBe(true)
  })
})

describe('the sum by vector instructions', () => {
  beforeAll(() => fill(place.memory.u8))

  it('is the sum by JavaScript, of every length to 300 at every alignment', () => {
    for (let bytes = 0; bytes <= 300; bytes++) {
      for (let at = 4096; at < 4096 + 16; at++) {
        const expected = foldSum(sumBytes(javascript, at, bytes))
        expect(foldSum(sumBytes(place.memory, at, bytes)), `${bytes} bytes at ${at}`).toBe(expected)
      }
    }
  })

  it('is the sum by JavaScript, of whatever stretch on top of whatever sum', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: length }),
        fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 70_000 }), fc.nat({ max: length })),
        fc.nat({ max: 2 ** 33 }),
        (at, wanted, initial) => {
          const bytes = Math.min(wanted, length - at)
          const expected = foldSum(sumBytes(javascript, at, bytes, initial))
          expect(foldSum(sumBytes(place.memory, at, bytes, initial))).toBe(expected)
        },
      ),
      { numRuns: 3000, seed: 11 },
    )
  })

  it('loses no carry, given as many bytes 0xff as it is ever asked for', () => {
    place.memory.u8.fill(0xff)
    expect(place.memory.sumStretch?.(1, longestStretch)).toBeLessThan(2 ** 20)
    for (const bytes of [longestStretch, longestStretch - 1, longestStretch + 1]) {
      expect(foldSum(sumBytes(place.memory, 1, bytes))).toBe(foldSum(sumBytes(javascript, 1, bytes)))
    }
    fill(place.memory.u8)
  })

  it('counts no byte beside the stretch', () => {
    for (let bytes = 16; bytes < 100; bytes++) {
      const before = sumBytes(place.memory, 5000, bytes)
      for (const neighbour of [4999, 5000 + bytes, 5015 + bytes]) {
        place.memory.u8[neighbour] = place.memory.u8[neighbour]! ^ 0xff
      }
      expect(sumBytes(place.memory, 5000, bytes)).toBe(before)
    }
  })

  it('reaches to the last byte of scratch', () => {
    for (let bytes = 16; bytes < 100; bytes++) {
      const at = length - bytes
      expect(foldSum(sumBytes(place.memory, at, bytes))).toBe(foldSum(sumBytes(javascript, at, bytes)))
    }
  })
})

describe('the copy by vector instructions', () => {
  it('copies exactly the bytes, of every length and from and to every alignment', () => {
    fill(place.memory.u8)
    const [from, to] = [4096, 8192]
    for (let bytes = 0; bytes <= 150; bytes++) {
      for (const [at, out] of [
        [from, to],
        [from + 2, to + 6],
        [from + (bytes % 16), to + 13],
      ] as const) {
        place.memory.u8.fill(0x5a, to - 64, to + 256)
        copyBytes(place.memory, at, bytes, out)
        const expected = Buffer.alloc(64 + 256, 0x5a)
        expected.set(place.memory.u8.subarray(at, at + bytes), out - to + 64)
        expect(expected.equals(place.memory.u8.subarray(to - 64, to + 256)), `${bytes} bytes`).toBe(true)
      }
    }
  })

  it('reaches to the last byte of scratch', () => {
    copyBytes(place.memory, 0, 100, length - 100)
    expect(Buffer.from(place.memory.u8.subarray(length - 100, length)).equals(place.memory.u8.subarray(0, 100))).toBe(
      true,
    )
  })
})

describe('a place for the ring where WebAssembly is refused', () => {
  const { WebAssembly } = globalThis as { WebAssembly?: object }
  const replace = (value: object | undefined) => Object.assign(globalThis, { WebAssembly: value })
  afterEach(() => replace(WebAssembly))

  it.each([
    ['there is none', undefined, 'there is no WebAssembly'],
    ['it has no vector instructions', { ...nothingCompiles(), Memory: memoryOf(WebAssembly) }, 'no vectors here'],
  ])('is memory of ours that JavaScript sums, given that %s', (_why, replacement, obstacle) => {
    replace(replacement)
    const plain = reserveRing(ringLength, scratchLength)
    expect(plain.obstacle).toBe(obstacle)
    expect(plain.memory.sumStretch).toBeUndefined()
    expect(plain.memory.copyStretch).toBeUndefined()
    fill(plain.memory.u8)
    expect(foldSum(sumBytes(plain.memory, 3, 1001))).toBe(foldSum(sumBytes(javascript, 3, 1001)))
    plain.detach()
    expect(plain.memory.u8[0]).toBe(0)
    plain.unmap()
  })
})

function nothingCompiles(): object {
  return {
    Module: class {
      constructor() {
        throw new Error('no vectors here')
      }
    },
  }
}

function memoryOf(webAssembly: object | undefined): unknown {
  return (webAssembly as { readonly Memory: unknown }).Memory
}
