/**
 * The IPv4 header (RFC 791 section 3.1).
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  |Version|  IHL  |Type of Service|          Total Length         |
 *  |         Identification        |Flags|      Fragment Offset    |
 *  |  Time to Live |    Protocol   |         Header Checksum       |
 *  |                       Source Address                          |
 *  |                    Destination Address                        |
 *
 * Functions take the offset of the header's first byte and rely on 20 bytes being there.
 */
import { type Memory, readU16be } from './memory.ts'

export const ipv4Field = {
  versionIhl: 0,
  typeOfService: 1,
  totalLength: 2,
  identification: 4,
  fragment: 6,
  timeToLive: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
} as const

export const ipv4AddressLength = 4
export const ipv4MinHeaderLength = 20

/** In the word at `ipv4Field.fragment`. */
export const ipv4DontFragment = 0x4000
export const ipv4MoreFragments = 0x2000
export const ipv4FragmentOffsetMask = 0x1fff

export function ipv4Version(memory: Memory, at: number): number {
  return memory.u8[at]! >>> 4
}

/** Bytes, options included: 0 to 60; below 20 is malformed. */
export function ipv4HeaderLength(memory: Memory, at: number): number {
  return (memory.u8[at]! & 0x0f) << 2
}

/** Zero in a super-frame above 64 KiB (BIG TCP): iph_set_totlen in include/net/ip.h. */
export function ipv4TotalLength(memory: Memory, at: number): number {
  return readU16be(memory.u8, at + ipv4Field.totalLength)
}

/** Flags and fragment offset. */
export function ipv4FragmentWord(memory: Memory, at: number): number {
  return readU16be(memory.u8, at + ipv4Field.fragment)
}
