/**
 * The IPv6 header and the extension headers that we walk over (RFC 8200 sections 3 and 4).
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  |Version| Traffic Class |           Flow Label                  |
 *  |         Payload Length        |  Next Header  |   Hop Limit   |
 *  |                       Source Address (16)                     |
 *  |                    Destination Address (16)                   |
 *
 * Functions take the offset of the header's first byte and rely on 40 bytes being there.
 */
import { type Memory, readU16be, readU32be } from './memory.ts'

export const ipv6Field = {
  version: 0,
  payloadLength: 4,
  nextHeader: 6,
  hopLimit: 7,
  source: 8,
  destination: 24,
} as const

export const ipv6AddressLength = 16
export const ipv6HeaderLength = 40

export const extensionHopByHop = 0
export const extensionRouting = 43
export const extensionFragment = 44
export const extensionAuthentication = 51
export const noNextHeader = 59
export const extensionDestination = 60

/** Offsets in every extension header but the fragment header, whose second byte is reserved. */
export const extensionField = {
  nextHeader: 0,
  length: 1,
} as const

/** The shortest extension header, and the unit of their lengths. */
export const extensionUnit = 8

/** Fragment header (RFC 8200 section 4.5): offset in the upper 13 bits of a word, M in the lowest. */
export const fragmentField = {
  offsetAndMore: 2,
} as const

export const fragmentOffsetMask = 0xfff8
export const fragmentMore = 0x0001

/** Routing header (RFC 8200 section 4.4); its addresses start after 8 bytes in the types known here. */
export const routingField = {
  type: 2,
  segmentsLeft: 3,
  addresses: 8,
} as const

export const routingTypeSource = 0
export const routingTypeMobile = 2
export const routingTypeSegment = 4

/** Hop-by-hop header that holds nothing but a Jumbo Payload option (RFC 2675 section 2). */
export const jumboField = {
  optionType: 2,
  optionLength: 3,
  payloadLength: 4,
} as const

export const jumboOptionType = 0xc2
export const jumboHeaderLength = 8

export function ipv6PayloadLength(memory: Memory, at: number): number {
  return readU16be(memory.u8, at + ipv6Field.payloadLength)
}

/**
 * Whether the hop-by-hop header at `at` is the one of 8 bytes that Linux puts before the TCP header of a super-frame
 * above 64 KiB and takes out again when it cuts it (struct hop_jumbo_hdr in include/net/ipv6.h).
 *
 * Preconditions: 8 bytes are there.
 */
export function isJumboHeader(memory: Memory, at: number): boolean {
  const u8 = memory.u8
  return (
    u8[at + extensionField.length] === 0 &&
    u8[at + jumboField.optionType] === jumboOptionType &&
    u8[at + jumboField.optionLength] === 4
  )
}

/** Bytes after the IPv6 header, the jumbo header itself included. */
export function jumboPayloadLength(memory: Memory, at: number): number {
  return readU32be(memory.u8, at + jumboField.payloadLength)
}
