/**
 * One bounded walk over a frame's headers.
 *
 * Whatever the bytes are, nothing outside the frame is read, and each step goes forward: the walk ends. What it finds
 * goes into a record that is reused from frame to frame; every field is set by every call.
 */
import { ethernetField, ethernetHeaderLength, etherTypeIpv4, etherTypeIpv6 } from './ethernet.ts'
import {
  ipv4Field,
  ipv4FragmentOffsetMask,
  ipv4FragmentWord,
  ipv4HeaderLength,
  ipv4MinHeaderLength,
  ipv4MoreFragments,
  ipv4TotalLength,
  ipv4Version,
} from './ipv4.ts'
import {
  extensionAuthentication,
  extensionDestination,
  extensionField,
  extensionFragment,
  extensionHopByHop,
  extensionRouting,
  extensionUnit,
  fragmentField,
  fragmentMore,
  fragmentOffsetMask,
  ipv6AddressLength,
  ipv6Field,
  ipv6HeaderLength,
  ipv6PayloadLength,
  isJumboHeader,
  jumboPayloadLength,
  noNextHeader,
  routingField,
  routingTypeMobile,
  routingTypeSegment,
  routingTypeSource,
} from './ipv6.ts'
import { type Memory, readU16be } from './memory.ts'
import { isVlanTpid, vlanTagLength } from './vlan.ts'

/** Offsets are into the memory, not into the frame. */
export interface ParsedFrame {
  /** First byte after the Ethernet header and its VLAN tags; the frame's end when those do not fit. */
  l3: number
  /** The EtherType after the VLAN tags; below 0x600 an IEEE 802.3 length; 0 when the frame is too short for one. */
  etherType: number
  /** How many 802.1Q and 802.1ad tags stand in the frame. */
  vlanTags: number
  /** 0: not IP, or a fixed IP header that does not fit or is not of its EtherType's version. */
  ipVersion: 0 | 4 | 6
  /** The transport protocol: after IPv6's extension headers, as far as they could be followed. 0 when not IP. */
  protocol: number
  /** First byte after the IP headers; -1 when it is not in the frame: not IP, a later fragment, broken headers. */
  l4: number
  /** One past the IP packet's last byte, as its length field says but never past the frame. Frame's end when not IP. */
  ipEnd: number
  /** Length of the IP packet as its header tells, even past the frame's end; 0 when it tells none (BIG TCP) or not IP. */
  ipLength: number
  /** One of several fragments, be it the first. */
  fragment: boolean
  /** The destination that a transport checksum covers: a routing header's last, if one is still to be visited. -1: not IP. */
  destination: number
  /** A hop-by-hop header with nothing but the Jumbo Payload option that gives the packet its length, or -1. */
  jumbo: number
}

export function emptyParsedFrame(): ParsedFrame {
  return {
    l3: 0,
    etherType: 0,
    vlanTags: 0,
    ipVersion: 0,
    protocol: 0,
    l4: -1,
    ipEnd: 0,
    ipLength: 0,
    fragment: false,
    destination: -1,
    jumbo: -1,
  }
}

/**
 * @param at offset of the frame's first byte
 * @param length bytes of the frame that are there
 * @returns false when the headers contradict themselves or go past the frame; `into` then holds what was found before
 */
export function parseFrame(memory: Memory, at: number, length: number, into: ParsedFrame): boolean {
  const end = at + length
  into.l3 = end
  into.etherType = 0
  into.vlanTags = 0
  into.ipVersion = 0
  into.protocol = 0
  into.l4 = -1
  into.ipEnd = end
  into.ipLength = 0
  into.fragment = false
  into.destination = -1
  into.jumbo = -1
  if (length < ethernetHeaderLength) return false

  const u8 = memory.u8
  let l3 = at + ethernetHeaderLength
  let etherType = readU16be(u8, at + ethernetField.etherType)
  let vlanTags = 0
  while (isVlanTpid(etherType)) {
    if (l3 + vlanTagLength > end) return false
    etherType = readU16be(u8, l3 + 2)
    l3 += vlanTagLength
    vlanTags++
  }
  into.l3 = l3
  into.etherType = etherType
  into.vlanTags = vlanTags
  if (etherType === etherTypeIpv4) return parseIpv4(memory, l3, end, into)
  if (etherType === etherTypeIpv6) return parseIpv6(memory, l3, end, into)
  return true
}

function parseIpv4(memory: Memory, at: number, end: number, into: ParsedFrame): boolean {
  if (at + ipv4MinHeaderLength > end || ipv4Version(memory, at) !== 4) return false
  into.ipVersion = 4
  into.protocol = memory.u8[at + ipv4Field.protocol]!
  into.destination = at + ipv4Field.destination
  const fragmentWord = ipv4FragmentWord(memory, at)
  into.fragment = (fragmentWord & (ipv4MoreFragments | ipv4FragmentOffsetMask)) !== 0
  const headerLength = ipv4HeaderLength(memory, at)
  const totalLength = ipv4TotalLength(memory, at)
  if (headerLength < ipv4MinHeaderLength || at + headerLength > end) return false
  if (totalLength !== 0) {
    if (totalLength < headerLength) return false
    into.ipLength = totalLength
    if (at + totalLength < end) into.ipEnd = at + totalLength
  }
  if ((fragmentWord & ipv4FragmentOffsetMask) === 0) into.l4 = at + headerLength
  return true
}

function parseIpv6(memory: Memory, at: number, end: number, into: ParsedFrame): boolean {
  if (at + ipv6HeaderLength > end || memory.u8[at]! >>> 4 !== 6) return false
  const first = at + ipv6HeaderLength
  const nextHeader = memory.u8[at + ipv6Field.nextHeader]!
  let payloadLength = ipv6PayloadLength(memory, at)
  into.ipVersion = 6
  into.protocol = nextHeader
  into.destination = at + ipv6Field.destination
  if (
    payloadLength === 0 &&
    nextHeader === extensionHopByHop &&
    first + extensionUnit <= end &&
    isJumboHeader(memory, first)
  ) {
    into.jumbo = first
    payloadLength = jumboPayloadLength(memory, first)
  }
  if (payloadLength !== 0) {
    into.ipLength = ipv6HeaderLength + payloadLength
    if (first + payloadLength < end) into.ipEnd = first + payloadLength
  }
  return walkExtensions(memory, first, nextHeader, into)
}

function walkExtensions(memory: Memory, at: number, nextHeader: number, into: ParsedFrame): boolean {
  const u8 = memory.u8
  const end = into.ipEnd
  for (;;) {
    into.protocol = nextHeader
    if (nextHeader === noNextHeader) return true
    const known =
      nextHeader === extensionHopByHop ||
      nextHeader === extensionRouting ||
      nextHeader === extensionDestination ||
      nextHeader === extensionFragment ||
      nextHeader === extensionAuthentication
    if (!known) {
      into.l4 = at
      return true
    }
    if (at + extensionUnit > end) return false
    let headerLength = (u8[at + extensionField.length]! + 1) << 3
    if (nextHeader === extensionAuthentication) {
      // RFC 4302 section 2.2: in units of 4 bytes, minus 2.
      headerLength = (u8[at + extensionField.length]! + 2) << 2
    } else if (nextHeader === extensionFragment) {
      headerLength = extensionUnit
      const word = readU16be(u8, at + fragmentField.offsetAndMore)
      // Neither offset nor M: an atomic fragment, a whole packet (RFC 6946).
      if ((word & (fragmentOffsetMask | fragmentMore)) !== 0) into.fragment = true
      if ((word & fragmentOffsetMask) !== 0) {
        into.protocol = u8[at]!
        return true
      }
    }
    if (at + headerLength > end) return false
    if (nextHeader === extensionRouting) noteFinalDestination(u8, at, headerLength, into)
    nextHeader = u8[at + extensionField.nextHeader]!
    at += headerLength
  }
}

/** RFC 8200 section 8.1: under a routing header, the destination in the pseudo-header is that of the final one. */
function noteFinalDestination(u8: Uint8Array, at: number, headerLength: number, into: ParsedFrame): void {
  const addresses = at + routingField.addresses
  if (u8[at + routingField.segmentsLeft] === 0 || headerLength < routingField.addresses + ipv6AddressLength) return
  const type = u8[at + routingField.type]!
  if (type === routingTypeSource) {
    const count = (headerLength - routingField.addresses) >>> 4
    into.destination = addresses + (count - 1) * ipv6AddressLength
  } else if (type === routingTypeMobile || type === routingTypeSegment) {
    // RFC 6275 section 6.4: there is one address. RFC 8754 section 2: Segment List[0] is the last segment.
    into.destination = addresses
  }
}
