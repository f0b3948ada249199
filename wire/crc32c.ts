/**
 * CRC32c (Castagnoli), SCTP's checksum (RFC 9260 appendix A). Reflected, polynomial 0x1edc6f41, bit-reversed 0x82f63b78.
 */
import type { Memory } from './memory.ts'

const polynomial = 0x82f63b78
const table = makeTable()

function makeTable(): Int32Array {
  const entries = new Int32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ polynomial : crc >>> 1
    entries[byte] = crc
  }
  return entries
}

/** The state before the first byte. */
export const crc32cStart = -1

/** Feeds bytes into a state (start with `crc32cStart`). Preconditions: they are inside the memory. */
export function crc32cBytes(memory: Memory, at: number, length: number, state: number): number {
  const u8 = memory.u8
  const end = at + length
  for (; at < end; at++) state = (state >>> 8) ^ table[(state ^ u8[at]!) & 0xff]!
  return state
}

/** Feeds four zero bytes: what a checksum field counts as. */
export function crc32cZeros(state: number): number {
  for (let i = 0; i < 4; i++) state = (state >>> 8) ^ table[state & 0xff]!
  return state
}

/** The checksum of a complete state, unsigned. It goes into the packet low byte first (RFC 9260 appendix A). */
export function crc32cFinish(state: number): number {
  return ~state >>> 0
}
