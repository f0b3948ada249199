/**
 * Sums the 16-bit little-endian lanes of some bytes of one memory, counted from the first, an odd last byte padded with a
 * zero. The result is a partial sum of the Internet checksum, a small integer.
 *
 * Preconditions: the bytes are inside the memory; 0 < length <= `longestStretch`.
 */
export type SumStretch = (at: number, length: number) => number

/**
 * Copies bytes within one memory.
 *
 * Preconditions: the bytes are inside the memory and do not overlap; `shortestCopy` <= length.
 */
export type CopyStretch = (from: number, length: number, to: number) => void

/** Bytes from which on a `CopyStretch` can be used. */
export const shortestCopy = 16

/** What a memory's owner can do with it faster than JavaScript does. */
export interface Stretches {
  readonly sum: SumStretch
  readonly copy: CopyStretch
}

/** Bytes that a `SumStretch` must be able to sum at once: as many as a block of the capture ring has. */
export const longestStretch = 256 << 10

/**
 * One stretch of bytes seen through the views that packet code needs.
 *
 * The sidecar keeps its capture ring and its scratch space in one mapping, so that a frame, a copied header and the
 * place that a header is written to are all plain offsets into the same memory: hot functions take `(memory, at)` and
 * return numbers, and stay monomorphic. Unit tests wrap an ordinary ArrayBuffer.
 *
 * Byte order: the machines that vxtap runs on (x86_64, aarch64) are little-endian, and kernel structures are read in
 * native order. Network order is read and written byte by byte, or through `view`, which needs no alignment either and
 * takes as long as an aligned access.
 */
export class Memory {
  readonly buffer: ArrayBuffer
  /** Where the memory's owner has faster ways than JavaScript: `sumBytes` and `copyBytes` use them. */
  readonly sumStretch: SumStretch | undefined
  readonly copyStretch: CopyStretch | undefined
  readonly u8: Uint8Array<ArrayBuffer>
  readonly u16: Uint16Array<ArrayBuffer>
  readonly u32: Uint32Array<ArrayBuffer>
  readonly view: DataView<ArrayBuffer>

  /** @param buffer its length must be a multiple of 4 */
  constructor(buffer: ArrayBuffer, stretches?: Stretches) {
    this.buffer = buffer
    this.sumStretch = stretches?.sum
    this.copyStretch = stretches?.copy
    this.u8 = new Uint8Array(buffer)
    this.u16 = new Uint16Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.view = new DataView(buffer)
  }
}

/** Reads 16 bits in network order. */
export function readU16be(u8: Uint8Array, at: number): number {
  return (u8[at]! << 8) | u8[at + 1]!
}

/** Reads 32 bits in network order, as an unsigned number. */
export function readU32be(u8: Uint8Array, at: number): number {
  return ((u8[at]! << 24) | (u8[at + 1]! << 16) | (u8[at + 2]! << 8) | u8[at + 3]!) >>> 0
}

export function writeU16be(u8: Uint8Array, at: number, value: number): void {
  u8[at] = value >>> 8
  u8[at + 1] = value
}

export function writeU32be(u8: Uint8Array, at: number, value: number): void {
  u8[at] = value >>> 24
  u8[at + 1] = value >>> 16
  u8[at + 2] = value >>> 8
  u8[at + 3] = value
}

/**
 * Copies `length` bytes that do not overlap. Headers are short, so the call into the engine that `copyWithin` is costs
 * more than the copy; equal alignment modulo 4 of `from` and `to` is what makes this fast.
 */
export function copyBytes(memory: Memory, from: number, length: number, to: number): void {
  const { copyStretch } = memory
  if (copyStretch !== undefined && length >= shortestCopy) {
    copyStretch(from, length, to)
    return
  }
  const u8 = memory.u8
  const end = from + length
  if (((from ^ to) & 3) === 0) {
    for (; (from & 3) !== 0 && from < end; from++, to++) u8[to] = u8[from]!
    const u32 = memory.u32
    for (; from + 4 <= end; from += 4, to += 4) u32[to >>> 2] = u32[from >>> 2]!
  }
  for (; from < end; from++, to++) u8[to] = u8[from]!
}
