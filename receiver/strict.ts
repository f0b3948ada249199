/**
 * The strictest sensor that there could be: refuses whatever Zeek, Suricata or tshark with checksum checking would
 * refuse, and says why. Here from the VXLAN header to the IP header; `strict-transport.ts` goes on from there.
 *
 * Sources: RFC 7348 section 5 (VXLAN); Suricata src/decode-vxlan.c (reserved bits strict by default); RFC 791; RFC 8200.
 */
import { foldSum, sumBytes } from '../wire/checksum.ts'
import { ethernetHeaderLength, etherTypeIpv4, etherTypeIpv6 } from '../wire/ethernet.ts'
import { ipv4Field, ipv4HeaderLength, ipv4MinHeaderLength, ipv4TotalLength } from '../wire/ipv4.ts'
import { ipv6Field, ipv6HeaderLength, ipv6PayloadLength, noNextHeader } from '../wire/ipv6.ts'
import type { Memory } from '../wire/memory.ts'
import { parseFrame } from '../wire/parse.ts'
import { parseVxlan, vxlanFlagVni, vxlanHeaderLength } from '../wire/vxlan.ts'
import { fault, noFault } from './faults.ts'
import { checkTransport } from './strict-transport.ts'
import type { Verdict } from './verdict.ts'

/** Any VNI will do. */
export const anyVni = -1

const optionEnd = 0
const optionNoOperation = 1
const optionLooseSourceRoute = 131
const optionStrictSourceRoute = 137

/**
 * Checks the VXLAN datagram (UDP payload) of `length` bytes at `at`.
 *
 * Preconditions: the bytes are inside the memory.
 * @param vni the expected VNI, or `anyVni`
 * @returns the number of its first fault, or `noFault`; `into` holds what could be read up to there
 */
export function check(memory: Memory, at: number, length: number, vni: number, into: Verdict): number {
  into.hasFrame = false
  into.hasEthernet = false
  into.frameAt = at
  into.frameLength = 0
  into.sourcePort = 0
  into.destinationPort = 0
  into.verified = false
  if (!parseVxlan(memory, at, length, into.vxlan)) return fault.vxlan_short
  if (into.vxlan.flags !== vxlanFlagVni) return fault.vxlan_flags
  if (into.vxlan.reserved !== 0 || into.vxlan.reservedAfterVni !== 0) return fault.vxlan_reserved
  into.hasFrame = true
  into.frameAt = at + vxlanHeaderLength
  into.frameLength = length - vxlanHeaderLength
  // The frame of an unexpected VNI is still looked at, so that the operator sees whose it is.
  const found = checkFrame(memory, into)
  return vni !== anyVni && into.vxlan.vni !== vni ? fault.vxlan_vni : found
}

function checkFrame(memory: Memory, into: Verdict): number {
  if (into.frameLength < ethernetHeaderLength) return fault.ethernet_short
  const parsed = into.parsed
  const whole = parseFrame(memory, into.frameAt, into.frameLength, parsed)
  if (!whole && parsed.etherType === 0) return fault.vlan_short
  into.hasEthernet = true
  if (parsed.etherType === etherTypeIpv4) return checkIpv4(memory, into)
  if (parsed.etherType === etherTypeIpv6) return checkIpv6(memory, whole, into)
  return noFault
}

function checkIpv4(memory: Memory, into: Verdict): number {
  const at = into.parsed.l3
  const available = into.frameAt + into.frameLength - at
  if (available < ipv4MinHeaderLength) return fault.ipv4_short
  if (into.parsed.ipVersion !== 4) return fault.ipv4_version
  const headerLength = ipv4HeaderLength(memory, at)
  if (headerLength < ipv4MinHeaderLength || headerLength > available) return fault.ipv4_header_length
  // What follows the total length is Ethernet padding; what should follow the frame's end is missing.
  const totalLength = ipv4TotalLength(memory, at)
  if (totalLength < headerLength || totalLength > available) return fault.ipv4_total_length
  if (foldSum(sumBytes(memory, at, headerLength)) !== 0xffff) return fault.ipv4_checksum
  if (into.parsed.fragment) return noFault
  const routed = headerLength > ipv4MinHeaderLength && isSourceRouted(memory.u8, at, headerLength)
  return checkTransport(memory, at + ipv4Field.source, !routed, into)
}

/**
 * Whether the options hold a source route: then the transport's checksum was made with the route's last address, not
 * with the destination in the header (RFC 1122 section 4.1.3.5), and cannot be judged from the header alone.
 */
function isSourceRouted(u8: Uint8Array, header: number, headerLength: number): boolean {
  const end = header + headerLength
  let at = header + ipv4MinHeaderLength
  while (at < end) {
    const kind = u8[at]!
    if (kind === optionEnd) return false
    if (kind === optionLooseSourceRoute || kind === optionStrictSourceRoute) return true
    // An option's length counts its own two bytes; one that says less would stop the walk from ending.
    at += kind === optionNoOperation || at + 1 === end ? 1 : Math.max(2, u8[at + 1]!)
  }
  return false
}

function checkIpv6(memory: Memory, whole: boolean, into: Verdict): number {
  const parsed = into.parsed
  const available = into.frameAt + into.frameLength - parsed.l3
  if (available < ipv6HeaderLength) return fault.ipv6_short
  if (parsed.ipVersion !== 6) return fault.ipv6_version
  // 0 with a payload is a jumbogram or a super-frame (RFC 2675; BIG TCP), which no Ethernet frame of the wire is.
  const payloadLength = ipv6PayloadLength(memory, parsed.l3)
  if (payloadLength > available - ipv6HeaderLength) return fault.ipv6_payload_length
  if (payloadLength === 0 && parsed.protocol !== noNextHeader) return fault.ipv6_payload_length
  if (!whole) return fault.ipv6_extension
  if (parsed.fragment) return noFault
  return checkTransport(memory, parsed.l3 + ipv6Field.source, true, into)
}
