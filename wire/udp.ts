/**
 * The UDP header (RFC 768).
 *
 *   0      7 8     15 16    23 24    31
 *  |  Source Port    |   Dest. Port    |
 *  |     Length      |    Checksum     |
 *
 * A checksum field of 0 means that the sender made none; a checksum that computes to 0 is sent as 0xffff.
 */
import { type Memory, readU16be } from './memory.ts'

export const udpField = {
  sourcePort: 0,
  destinationPort: 2,
  length: 4,
  checksum: 6,
} as const

export const protocolUdp = 17
export const udpHeaderLength = 8

/** Header and payload, in bytes. Preconditions: 8 bytes are there at `at`. */
export function udpLength(memory: Memory, at: number): number {
  return readU16be(memory.u8, at + udpField.length)
}
