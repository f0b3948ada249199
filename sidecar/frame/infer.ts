/**
 * For engines that get frames without a virtio header (libpcap): works out from the bytes what the kernel did not say.
 */
import { foldSum, readLane, sumPseudoHeader } from '../../wire/checksum.ts'
import { ethernetHeaderLength } from '../../wire/ethernet.ts'
import { ipv4AddressLength, ipv4Field } from '../../wire/ipv4.ts'
import { ipv6AddressLength, ipv6Field, jumboHeaderLength } from '../../wire/ipv6.ts'
import type { Memory } from '../../wire/memory.ts'
import { emptyParsedFrame, parseFrame } from '../../wire/parse.ts'
import { protocolTcp, tcpField, tcpHeaderLength, tcpMinHeaderLength } from '../../wire/tcp.ts'
import { protocolUdp, udpField, udpHeaderLength } from '../../wire/udp.ts'
import { gsoNone, gsoTcpV4, gsoTcpV6, type VirtioHeader, virtioNeedsCsum } from '../../wire/virtio.ts'
import { vlanTagLength } from '../../wire/vlan.ts'

const parsed = emptyParsedFrame()

/**
 * Fills `into` with what the bytes tell:
 * - NEEDS_CSUM exactly where an unfragmented TCP or UDP packet has in its checksum field the folded, uncomplemented sum
 *   of its pseudo-header: what the kernel leaves there for hardware to complete.
 * - A TCP frame longer than the MTU and its Ethernet header allow is a super-frame, cut where the MTU cuts.
 *
 * What cannot be known: the segment size of a TCP super-frame, which is smaller than the MTU's when the peer's is; where
 * a UDP super-frame (UDP_SEGMENT, UDP GRO) is to be cut, so it stays whole; which super-frame below the MTU there was; and
 * one packet in 65,536 whose complete checksum, right or wrong, happens to be the partial one's value, which is then
 * recomputed (a right one stays right).
 *
 * @param mtu of the captured interface, in bytes, Ethernet header not included
 */
export function inferVirtio(memory: Memory, at: number, length: number, mtu: number, into: VirtioHeader): void {
  into.flags = 0
  into.gsoType = gsoNone
  into.ecn = false
  into.headerLength = 0
  into.gsoSize = 0
  into.csumStart = 0
  into.csumOffset = 0
  if (!parseFrame(memory, at, length, parsed) || parsed.l4 < 0 || parsed.fragment) return
  const l4 = parsed.l4
  const isTcp = parsed.protocol === protocolTcp
  if (!isTcp && parsed.protocol !== protocolUdp) return
  if (l4 + (isTcp ? tcpMinHeaderLength : udpHeaderLength) > parsed.ipEnd) return

  const csumOffset = isTcp ? tcpField.checksum : udpField.checksum
  if (readLane(memory, l4 + csumOffset) === partialChecksum(memory, at + length)) {
    into.flags = virtioNeedsCsum
    into.csumStart = l4 - at
    into.csumOffset = csumOffset
  }
  if (!isTcp || length <= mtu + ethernetHeaderLength + parsed.vlanTags * vlanTagLength) return
  const headerLength = l4 - at + tcpHeaderLength(memory, l4)
  const removed = parsed.jumbo < 0 ? 0 : jumboHeaderLength
  const gsoSize = mtu - (headerLength - (parsed.l3 - at) - removed)
  if (gsoSize <= 0) return
  into.gsoType = parsed.ipVersion === 4 ? gsoTcpV4 : gsoTcpV6
  // Whether CWR is of RFC 3168 cannot be known either; nearly always it is.
  into.ecn = true
  into.gsoSize = gsoSize
  into.headerLength = headerLength
}

/** The pseudo-header's sum of the frame in `parsed`, with the length that its IP header tells, captured or not. */
function partialChecksum(memory: Memory, end: number): number {
  const isV4 = parsed.ipVersion === 4
  const packetEnd = parsed.ipLength === 0 ? end : parsed.l3 + parsed.ipLength
  return foldSum(
    sumPseudoHeader(
      memory,
      parsed.l3 + (isV4 ? ipv4Field.source : ipv6Field.source),
      parsed.destination,
      isV4 ? ipv4AddressLength : ipv6AddressLength,
      parsed.protocol,
      packetEnd - parsed.l4,
    ),
  )
}
