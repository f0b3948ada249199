/**
 * The strict check's innermost part: TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260), ICMP (RFC 792) and ICMPv6
 * (RFC 4443), each with its lengths and its checksum. Other protocols pass unverified.
 */
import { foldSum, sumBytes, sumPseudoHeader } from '../wire/checksum.ts'
import { crc32cBytes, crc32cFinish, crc32cStart, crc32cZeros } from '../wire/crc32c.ts'
import { ipv4AddressLength } from '../wire/ipv4.ts'
import { ipv6AddressLength } from '../wire/ipv6.ts'
import type { Memory } from '../wire/memory.ts'
import { readU16be } from '../wire/memory.ts'
import { protocolSctp, sctpField, sctpHeaderLength } from '../wire/sctp.ts'
import { protocolTcp, tcpHeaderLength, tcpMinHeaderLength } from '../wire/tcp.ts'
import { protocolUdp, udpField, udpHeaderLength, udpLength } from '../wire/udp.ts'
import { fault, noFault } from './faults.ts'
import type { Verdict } from './verdict.ts'

const protocolIcmp = 1
const protocolIcmpv6 = 58
const icmpMinLength = 8
const icmpv6MinLength = 4

/**
 * Preconditions: `into.parsed` is of a whole, unfragmented IP packet whose lengths hold.
 * @param source where the source address stands
 * @param judge whether the addresses are those of the pseudo-header, so that a checksum over it can be judged
 */
export function checkTransport(memory: Memory, source: number, judge: boolean, into: Verdict): number {
  const { protocol, ipVersion, l4 } = into.parsed
  if (l4 === -1) return noFault
  const length = into.parsed.ipEnd - l4
  switch (protocol) {
    case protocolTcp:
      return checkTcp(memory, source, length, judge, into)
    case protocolUdp:
      return checkUdp(memory, source, length, judge, into)
    case protocolSctp:
      return checkSctp(memory, length, into)
    case protocolIcmp:
      // ICMP is IPv4's, and has no pseudo-header; in an IPv6 packet the number has no meaning.
      if (ipVersion !== 4) return noFault
      if (length < icmpMinLength) return fault.icmp_short
      into.verified = foldSum(sumBytes(memory, l4, length)) === 0xffff
      return into.verified ? noFault : fault.icmp_checksum
    case protocolIcmpv6:
      if (ipVersion !== 6) return noFault
      if (length < icmpv6MinLength) return fault.icmp_short
      into.verified = addsUp(memory, source, length, into)
      return into.verified ? noFault : fault.icmpv6_checksum
    default:
      return noFault
  }
}

function checkTcp(memory: Memory, source: number, length: number, judge: boolean, into: Verdict): number {
  if (length < tcpMinHeaderLength) return fault.tcp_short
  const at = into.parsed.l4
  readPorts(memory.u8, at, into)
  const headerLength = tcpHeaderLength(memory, at)
  if (headerLength < tcpMinHeaderLength || headerLength > length) return fault.tcp_header_length
  if (!judge) return noFault
  into.verified = addsUp(memory, source, length, into)
  return into.verified ? noFault : fault.tcp_checksum
}

function checkUdp(memory: Memory, source: number, length: number, judge: boolean, into: Verdict): number {
  if (length < udpHeaderLength) return fault.udp_short
  const at = into.parsed.l4
  readPorts(memory.u8, at, into)
  // Shorter than the IP payload is allowed: what follows is the surplus area of UDP options (RFC 9868).
  const ownLength = udpLength(memory, at)
  if (ownLength < udpHeaderLength || ownLength > length) return fault.udp_length
  if (readU16be(memory.u8, at + udpField.checksum) === 0) {
    return into.parsed.ipVersion === 6 ? fault.udp_no_checksum : noFault
  }
  if (!judge) return noFault
  into.verified = addsUp(memory, source, ownLength, into)
  return into.verified ? noFault : fault.udp_checksum
}

function checkSctp(memory: Memory, length: number, into: Verdict): number {
  if (length < sctpHeaderLength) return fault.sctp_short
  const at = into.parsed.l4
  readPorts(memory.u8, at, into)
  const field = at + sctpField.checksum
  const head = crc32cZeros(crc32cBytes(memory, at, sctpField.checksum, crc32cStart))
  const crc = crc32cFinish(crc32cBytes(memory, at + sctpHeaderLength, length - sctpHeaderLength, head))
  const u8 = memory.u8
  const sent = (u8[field]! | (u8[field + 1]! << 8) | (u8[field + 2]! << 16) | (u8[field + 3]! << 24)) >>> 0
  into.verified = crc === sent
  return into.verified ? noFault : fault.sctp_checksum
}

/** TCP, UDP and SCTP have their ports in the same place. */
function readPorts(u8: Uint8Array, at: number, into: Verdict): void {
  into.sourcePort = readU16be(u8, at + udpField.sourcePort)
  into.destinationPort = readU16be(u8, at + udpField.destinationPort)
}

/** Whether the transport's bytes and the pseudo-header add up to all ones, the checksum field included (RFC 1071 section 1). */
function addsUp(memory: Memory, source: number, length: number, into: Verdict): boolean {
  const { ipVersion, destination, protocol, l4 } = into.parsed
  const addressLength = ipVersion === 4 ? ipv4AddressLength : ipv6AddressLength
  const pseudo = sumPseudoHeader(memory, source, destination, addressLength, protocol, length)
  return foldSum(sumBytes(memory, l4, length, pseudo)) === 0xffff
}
