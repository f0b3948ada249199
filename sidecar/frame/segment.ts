/**
 * Cuts a super-frame into the segments that it stands for, as the kernel (tcp_gso_segment, __udp_gso_segment,
 * inet_gso_segment, ipv6_gso_segment) or a device would have before the wire.
 *
 * `planSegments` looks at a frame once and keeps in a plan what all its segments share, the sums of unchanging header
 * bytes included. `writeSegment` then makes one segment's headers; its payload stays where it was captured.
 */
import type { DropReason } from '../../contract/drop-reasons.ts'
import {
  finishChecksum,
  finishUdpChecksum,
  foldSum,
  lane,
  lanes32,
  negative,
  readLane,
  sumBytes,
  sumPseudoHeader,
  writeLane,
} from '../../wire/checksum.ts'
import { ipv4AddressLength, ipv4Field } from '../../wire/ipv4.ts'
import { ipv6AddressLength, ipv6Field, ipv6HeaderLength, jumboHeaderLength } from '../../wire/ipv6.ts'
import { copyBytes, type Memory, readU16be, readU32be } from '../../wire/memory.ts'
import { emptyParsedFrame, type ParsedFrame, parseFrame } from '../../wire/parse.ts'
import { protocolTcp, tcpCwr, tcpField, tcpFin, tcpHeaderLength, tcpMinHeaderLength, tcpPsh } from '../../wire/tcp.ts'
import { protocolUdp, udpField, udpHeaderLength, udpLength } from '../../wire/udp.ts'
import { gsoTcpV4, gsoTcpV6, gsoUdpL4, type VirtioHeader, virtioNeedsCsum } from '../../wire/virtio.ts'

export const segmentOk = 0
/** The headers contradict themselves or the virtio header, or the kind (UFO, a tunnel's inside) is not one we cut. */
export const segmentMalformed = 1
/** The IP packet is longer than what was captured of it. */
export const segmentTruncated = 2

/** Names of `planSegments`' results as drop reasons; the first, success, has none. */
export const segmentDropReasons: readonly [null, DropReason, DropReason] = [null, 'malformed', 'truncated']

/** What the segments of one super-frame share. Reused; every field is set when `planSegments` returns `segmentOk`. */
export interface SegmentPlan {
  /** How many segments; at least 1. */
  count: number
  /** Bytes of headers of each segment, Ethernet to TCP or UDP. */
  headerLength: number
  /** Payload bytes of every segment but the last. */
  segmentSize: number
  /** Where the first segment's payload is in memory; the others' follow it. */
  payloadAt: number
  /** Payload bytes of all segments together. */
  payloadLength: number
  /** Where the super-frame's headers are in memory. */
  headerAt: number
  /** Offsets of the IP and the TCP or UDP header in a segment. */
  ipOffset: number
  l4Offset: number
  ipVersion: number
  protocol: number
  /** Bytes 40 to 47 of the IPv6 packet are a jumbo header, which no segment gets. */
  dropJumbo: boolean
  /** IPv4 identification of the first segment. */
  identification: number
  /** Sum of the IPv4 header without total length, identification and checksum. */
  ipSum: number
  /** Sum of pseudo-header and L4 header without what differs from segment to segment. */
  l4Sum: number
  /** TCP: of the first segment, as a signed 32-bit number. */
  sequence: number
  /** TCP: the bytes of data offset and flags, in network order. */
  offsetAndFlags: number
  /** TCP: flags that only the first segment has. */
  firstOnly: number
  /** UDP: the sender made no checksum, so the segments have none. */
  withoutChecksum: boolean
}

export function emptySegmentPlan(): SegmentPlan {
  return {
    count: 0,
    headerLength: 0,
    segmentSize: 0,
    payloadAt: 0,
    payloadLength: 0,
    headerAt: 0,
    ipOffset: 0,
    l4Offset: 0,
    ipVersion: 0,
    protocol: 0,
    dropJumbo: false,
    identification: 0,
    ipSum: 0,
    l4Sum: 0,
    sequence: 0,
    offsetAndFlags: 0,
    firstOnly: 0,
    withoutChecksum: false,
  }
}

const parsed = emptyParsedFrame()

/** The largest IP packet that a length field can tell. */
const maxIpLength = 0xffff

/**
 * Plans the segments of a super-frame (`virtio.gsoType` other than none). Nothing is written but the plan.
 *
 * TCP is cut at the smaller of `gsoSize` and what `maxFrame` leaves for payload; at `gsoSize` where it leaves none. UDP
 * is always cut at `gsoSize`: each segment is one datagram of the application's. The kernel's `headerLength` is not
 * used: packet sockets report the length of the buffer's linear part there (virtio_net_hdr_from_skb).
 *
 * @param at offset of the frame's first byte, VLAN tag restored (then `virtio.csumStart` counts it too)
 * @param length bytes of the frame that were captured
 * @param maxFrame bytes of the largest frame, Ethernet header included, that fits the tunnel; Infinity: no limit
 * @returns `segmentOk`, `segmentMalformed` or `segmentTruncated`
 */
export function planSegments(
  memory: Memory,
  at: number,
  length: number,
  virtio: VirtioHeader,
  maxFrame: number,
  plan: SegmentPlan,
): number {
  if (!parseFrame(memory, at, length, parsed) || parsed.l4 < 0 || parsed.fragment) return segmentMalformed
  if (!isOfType(virtio.gsoType, parsed) || virtio.gsoSize === 0) return segmentMalformed
  plan.firstOnly = virtio.ecn ? tcpCwr : 0
  const l4 = parsed.l4
  const isTcp = parsed.protocol === protocolTcp
  const needsCsum = (virtio.flags & virtioNeedsCsum) !== 0
  // Under a tunnel csum_start is the inner header: those frames would need every outer header patched as well.
  if (needsCsum && virtio.csumStart !== l4 - at) return segmentMalformed
  if (needsCsum && virtio.csumOffset !== (isTcp ? tcpField.checksum : udpField.checksum)) return segmentMalformed
  if (parsed.ipLength > at + length - parsed.l3) return segmentTruncated

  const l4Length = parsed.ipEnd - l4
  if (l4Length < (isTcp ? tcpMinHeaderLength : udpHeaderLength)) return segmentMalformed
  const l4HeaderLength = isTcp ? tcpHeaderLength(memory, l4) : udpHeaderLength
  if (l4HeaderLength > l4Length || (isTcp && l4HeaderLength < tcpMinHeaderLength)) return segmentMalformed
  if (!isTcp && udpLength(memory, l4) !== l4Length) return segmentMalformed

  const removed = parsed.jumbo < 0 ? 0 : jumboHeaderLength
  const headerLength = l4 - at + l4HeaderLength - removed
  const payloadLength = l4Length - l4HeaderLength
  const room = maxFrame - headerLength
  const segmentSize = isTcp && room > 0 && room < virtio.gsoSize ? room : virtio.gsoSize
  const ipOffset = parsed.l3 - at
  if (headerLength - ipOffset + Math.min(segmentSize, payloadLength) > maxIpLength) return segmentMalformed

  plan.count = payloadLength <= segmentSize ? 1 : Math.ceil(payloadLength / segmentSize)
  plan.headerLength = headerLength
  plan.segmentSize = segmentSize
  plan.payloadAt = l4 + l4HeaderLength
  plan.payloadLength = payloadLength
  plan.headerAt = at
  plan.ipOffset = ipOffset
  plan.l4Offset = l4 - at - removed
  plan.ipVersion = parsed.ipVersion
  plan.protocol = parsed.protocol
  plan.dropJumbo = removed !== 0
  planIp(memory, plan)
  planL4(memory, l4, l4HeaderLength, l4Length, needsCsum, plan)
  return segmentOk
}

function isOfType(gsoType: number, frame: ParsedFrame): boolean {
  if (gsoType === gsoTcpV4) return frame.ipVersion === 4 && frame.protocol === protocolTcp
  if (gsoType === gsoTcpV6) return frame.ipVersion === 6 && frame.protocol === protocolTcp
  return gsoType === gsoUdpL4 && frame.protocol === protocolUdp
}

function planIp(memory: Memory, plan: SegmentPlan): void {
  plan.identification = 0
  plan.ipSum = 0
  if (plan.ipVersion !== 4) return
  const ip = plan.headerAt + plan.ipOffset
  plan.identification = readU16be(memory.u8, ip + ipv4Field.identification)
  const varying =
    readLane(memory, ip + ipv4Field.totalLength) +
    readLane(memory, ip + ipv4Field.identification) +
    readLane(memory, ip + ipv4Field.checksum)
  plan.ipSum = foldSum(sumBytes(memory, ip, plan.l4Offset - plan.ipOffset) + negative(varying))
}

function planL4(
  memory: Memory,
  l4: number,
  l4HeaderLength: number,
  l4Length: number,
  needsCsum: boolean,
  plan: SegmentPlan,
): void {
  const isTcp = plan.protocol === protocolTcp
  const checksum = readLane(memory, l4 + (isTcp ? tcpField.checksum : udpField.checksum))
  let varying = checksum
  plan.sequence = 0
  plan.offsetAndFlags = 0
  if (isTcp) {
    plan.sequence = readU32be(memory.u8, l4 + tcpField.sequence) | 0
    plan.offsetAndFlags = readU16be(memory.u8, l4 + tcpField.dataOffset)
    varying += lanes32(plan.sequence) + lane(plan.offsetAndFlags)
  } else {
    varying += readLane(memory, l4 + udpField.length)
  }
  plan.withoutChecksum = !isTcp && !needsCsum && checksum === 0
  // A partial checksum is the pseudo-header's sum; like the kernel we exchange the length in it and keep the rest,
  // which knows the addresses that the packet ends up with under a routing header.
  const pseudo = needsCsum
    ? checksum + negative(lanes32(l4Length))
    : sumPseudoHeader(
        memory,
        parsed.l3 + (plan.ipVersion === 4 ? ipv4Field.source : ipv6Field.source),
        parsed.destination,
        plan.ipVersion === 4 ? ipv4AddressLength : ipv6AddressLength,
        plan.protocol,
        0,
      )
  plan.l4Sum = foldSum(sumBytes(memory, l4, l4HeaderLength) + negative(varying) + pseudo)
}

/** Payload bytes of a segment. Preconditions: 0 <= index < plan.count. */
export function segmentLength(plan: SegmentPlan, index: number): number {
  return index === plan.count - 1 ? plan.payloadLength - index * plan.segmentSize : plan.segmentSize
}

/**
 * Writes the headers of one segment, checksums complete over them and over the payload, which is only read.
 *
 * Preconditions: the plan is of a frame that is still in memory; 0 <= index < plan.count; `plan.headerLength` bytes are
 * free at `outAt`. Fastest when `outAt` and the frame's offset agree modulo 4.
 *
 * @returns `plan.headerLength`; the payload is the `segmentLength(plan, index)` bytes at
 *   `plan.payloadAt + index * plan.segmentSize`
 */
export function writeSegment(memory: Memory, plan: SegmentPlan, index: number, outAt: number): number {
  const headerLength = plan.headerLength
  const start = index * plan.segmentSize
  const payload = segmentLength(plan, index)
  if (plan.dropJumbo) copyWithoutJumbo(memory, plan, outAt)
  else copyBytes(memory, plan.headerAt, headerLength, outAt)

  const ip = outAt + plan.ipOffset
  const ipLength = headerLength - plan.ipOffset + payload
  if (plan.ipVersion === 4) {
    const totalLength = lane(ipLength)
    const identification = lane(plan.identification + index)
    writeLane(memory, ip + ipv4Field.totalLength, totalLength)
    writeLane(memory, ip + ipv4Field.identification, identification)
    writeLane(memory, ip + ipv4Field.checksum, finishChecksum(plan.ipSum + totalLength + identification))
  } else {
    writeLane(memory, ip + ipv6Field.payloadLength, lane(ipLength - ipv6HeaderLength))
  }

  const l4 = outAt + plan.l4Offset
  const l4Length = headerLength - plan.l4Offset + payload
  const sum = sumBytes(memory, plan.payloadAt + start, payload, plan.l4Sum + lane(l4Length))
  if (plan.protocol === protocolTcp) writeTcp(memory, plan, index, l4, sum)
  else writeUdp(memory, plan, l4, l4Length, sum)
  return headerLength
}

function copyWithoutJumbo(memory: Memory, plan: SegmentPlan, outAt: number): void {
  const before = plan.ipOffset + ipv6HeaderLength
  const jumboAt = plan.headerAt + before
  copyBytes(memory, plan.headerAt, before, outAt)
  copyBytes(memory, jumboAt + jumboHeaderLength, plan.headerLength - before, outAt + before)
  memory.u8[outAt + plan.ipOffset + ipv6Field.nextHeader] = memory.u8[jumboAt]!
}

/**
 * FIN and PSH belong to the last segment; CWR to the first, which is asked for once (RFC 3168 section 6.1.2), unless it is
 * a bit of Accurate ECN's counter (RFC 9768), which every segment carries: the kernel then sets no SKB_GSO_TCP_ECN.
 */
function writeTcp(memory: Memory, plan: SegmentPlan, index: number, l4: number, sum: number): void {
  const sequence = (plan.sequence + index * plan.segmentSize) | 0
  let offsetAndFlags = plan.offsetAndFlags
  if (index !== 0) offsetAndFlags &= ~plan.firstOnly
  if (index !== plan.count - 1) offsetAndFlags &= ~(tcpFin | tcpPsh)
  const high = lane(sequence >>> 16)
  const low = lane(sequence)
  const flags = lane(offsetAndFlags)
  writeLane(memory, l4 + tcpField.sequence, high)
  writeLane(memory, l4 + tcpField.sequence + 2, low)
  writeLane(memory, l4 + tcpField.dataOffset, flags)
  writeLane(memory, l4 + tcpField.checksum, finishChecksum(sum + high + low + flags))
}

function writeUdp(memory: Memory, plan: SegmentPlan, l4: number, l4Length: number, sum: number): void {
  const length = lane(l4Length)
  writeLane(memory, l4 + udpField.length, length)
  const checksum = plan.withoutChecksum ? 0 : finishUdpChecksum(sum + length)
  writeLane(memory, l4 + udpField.checksum, checksum)
}
