/**
 * The program in front of the ring: our own tunnel out, the wrong direction out, then what the user asked for.
 *
 * A classic BPF load beyond the frame's end rejects the frame, so each part first checks that the frame is long
 * enough: a truncated packet of the pod must reach the sensor and not fall to our own exclusion.
 *
 * Own tunnel, three kinds of packets:
 * - datagrams that we send, and their IP fragments: known by the socket's mark, which the kernel copies to each
 *   fragment (ip_copy_metadata in net/ipv4/ip_output.c); without the right to set a mark, by source port, sensor port
 *   and sensor address, fragments by sensor address and protocol;
 * - ICMP and ICMPv6 errors that quote one of our datagrams: by the quoted ports. Our source ports are bound by us, so
 *   no other packet of the pod carries them. An error about a later fragment does not exist (RFC 1122 section 3.2.2).
 */
import { ancillaryMark, ancillaryPacketType, BpfBuilder, type Operation } from './bpf.ts'

/** What is excluded. Ports of a family are 0 as long as no socket of that family is bound. */
export interface OwnTunnel {
  /** The mark on our sockets; 0 when the kernel did not let us set one. */
  readonly mark: number
  readonly sensorPort: number
  readonly firstPort4: number
  readonly firstPort6: number
  readonly portCount: number
  /** Where we send to, as bytes in network order; consulted only when there is no mark. */
  readonly addresses: readonly Uint8Array[]
}

export type Direction = 'both' | 'in' | 'out'

export const ethernet = { etherType: 12, payload: 14 } as const
export const etherTypeIpv4 = 0x0800
export const etherTypeIpv6 = 0x86dd
export const ipv4 = { fragment: 14 + 6, protocol: 14 + 9, destination: 14 + 16, minimum: 20 } as const
export const ipv6 = { nextHeader: 14 + 6, destination: 14 + 24, payload: 14 + 40 } as const
export const protocolUdp = 17
const protocolIcmp = 1
const protocolIcmpv6 = 58
const nextHeaderFragment = 44
export const fragmentOffsetMask = 0x1fff
const ipv6FragmentOffsetMask = 0xfff8
/** struct sockaddr_ll's sll_pkttype of a frame that this host sends, if_packet.h. */
const packetOutgoing = 4

/** Rejects everything: attached before the socket is bound, and again to drain the ring before the end. */
export function rejectAll(): Buffer {
  return new BpfBuilder().reject().assemble()
}

/** @param userProgram what libpcap made of FILTER; undefined keeps everything */
export function buildFilter(own: OwnTunnel, direction: Direction, userProgram: Buffer | undefined): Buffer {
  const program = new BpfBuilder()
  if (own.mark !== 0) {
    program
      .add('loadWord', ancillaryMark)
      .add('jumpEqual', own.mark, undefined, 'not-marked')
      .reject()
      .label('not-marked')
  } else {
    const addresses4 = own.addresses.filter((address) => address.length === 4)
    const addresses6 = own.addresses.filter((address) => address.length === 16)
    if (addresses4.length > 0) excludeDatagrams4(program, own, addresses4)
    if (addresses6.length > 0) excludeDatagrams6(program, own, addresses6)
  }
  if (own.firstPort4 !== 0) excludeErrors4(program, own)
  if (own.firstPort6 !== 0) excludeErrors6(program, own)
  if (direction !== 'both') {
    program.add('loadByte', ancillaryPacketType)
    if (direction === 'in') program.add('jumpEqual', packetOutgoing, undefined, 'direction').reject()
    else program.add('jumpEqual', packetOutgoing, 'direction').reject()
    program.label('direction')
  }
  return (userProgram ? program.endWith(userProgram) : program.accept()).assemble()
}

/** Goes on at `end` unless the frame has at least `bytes`. */
export function requireLength(program: BpfBuilder, bytes: number, end: string): void {
  program.add('loadLength').add('jumpAtLeast', bytes, undefined, end)
}

/** The same for an offset relative to X; X may be larger than the frame, and the difference then wraps. */
function requireLengthBeyondX(program: BpfBuilder, bytes: number, end: string): void {
  program
    .add('loadLength')
    .add('subtractX')
    .add('jumpGreater', 0x7fff_ffff, end)
    .add('jumpAtLeast', bytes, undefined, end)
}

/** Rejects when the halves at `at` and `at + 2` (relative to X where told) are our ports towards the sensor's. */
export function rejectOurPorts(
  program: BpfBuilder,
  own: OwnTunnel,
  first: number,
  at: number,
  atX: boolean,
  end: string,
): void {
  const load = atX ? 'loadHalfAtX' : 'loadHalf'
  program
    .add(load, at + 2)
    .add('jumpEqual', own.sensorPort, undefined, end)
    .add(load, at)
    .add('jumpAtLeast', first, undefined, end)
    .add('jumpGreater', first + own.portCount - 1, end)
    .reject()
}

/**
 * Goes on where the condition holds, else at `end`, however far that is: a conditional jump reaches 255 instructions,
 * which many sensors exceed.
 */
function demand(program: BpfBuilder, condition: Operation, value: number, here: string, end: string): void {
  program.add(condition, value, here).add('jump', 0, end).label(here)
}

/**
 * Headers are looked at once for all sensors, and each costs few instructions: before Linux 6.7 a socket has 20 KiB for
 * its filters (net.core.optmem_max), the one that is replaced included, and a load from the packet takes 60 bytes of it.
 */
function excludeDatagrams4(program: BpfBuilder, own: OwnTunnel, addresses: readonly Uint8Array[]): void {
  const end = 'datagrams4-end'
  program.add('loadLength')
  demand(program, 'jumpAtLeast', ethernet.payload + ipv4.minimum, 'datagrams4-length', end)
  program.add('loadHalf', ethernet.etherType)
  demand(program, 'jumpEqual', etherTypeIpv4, 'datagrams4-ip', end)
  program.add('loadByte', ipv4.protocol)
  demand(program, 'jumpEqual', protocolUdp, 'datagrams4-udp', end)
  // Only frames that we send: the sensor's own address is no peer that others reach through this pod.
  program.add('loadByte', ancillaryPacketType)
  demand(program, 'jumpEqual', packetOutgoing, 'datagrams4-outgoing', end)
  program.add('loadWord', ipv4.destination)
  addresses.forEach((address, index) => {
    const other = `datagrams4-not-${index}`
    program.add('jumpEqual', wordOf(address, 0), undefined, other).add('jump', 0, 'datagrams4-sensor').label(other)
  })
  program
    .add('jump', 0, end)
    .label('datagrams4-sensor')
    .add('loadHalf', ipv4.fragment)
    .add('jumpAnySet', fragmentOffsetMask, undefined, 'datagrams4-first')
    .reject()
    .label('datagrams4-first')
  requireLength(program, ethernet.payload + ipv4.minimum + 4, end)
  // Our sockets set no IP options: the UDP header follows at once.
  rejectOurPorts(program, own, own.firstPort4, ethernet.payload + ipv4.minimum, false, end)
  program.label(end)
}

function excludeDatagrams6(program: BpfBuilder, own: OwnTunnel, addresses: readonly Uint8Array[]): void {
  const end = 'datagrams6-end'
  program.add('loadLength')
  demand(program, 'jumpAtLeast', ipv6.payload + 8, 'datagrams6-length', end)
  program.add('loadHalf', ethernet.etherType)
  demand(program, 'jumpEqual', etherTypeIpv6, 'datagrams6-ip', end)
  program.add('loadByte', ancillaryPacketType)
  demand(program, 'jumpEqual', packetOutgoing, 'datagrams6-outgoing', end)
  for (let word = 0; word < 4; word++) {
    program.add('loadWord', ipv6.destination + word * 4).add('storeScratch', word)
  }
  addresses.forEach((address, index) => {
    const other = `datagrams6-not-${index}`
    for (let word = 0; word < 4; word++) {
      program.add('loadScratch', word).add('jumpEqual', wordOf(address, word * 4), undefined, other)
    }
    program.add('jump', 0, 'datagrams6-sensor').label(other)
  })
  program
    .add('jump', 0, end)
    .label('datagrams6-sensor')
    .add('loadByte', ipv6.nextHeader)
    .add('jumpEqual', protocolUdp, 'datagrams6-whole')
    .add('jumpEqual', nextHeaderFragment, undefined, end)
    .add('loadByte', ipv6.payload)
    .add('jumpEqual', protocolUdp, undefined, end)
    .add('loadHalf', ipv6.payload + 2)
    .add('jumpAnySet', ipv6FragmentOffsetMask, undefined, 'datagrams6-first')
    .reject()
    .label('datagrams6-first')
  requireLength(program, ipv6.payload + 12, end)
  rejectOurPorts(program, own, own.firstPort6, ipv6.payload + 8, false, end)
  program.label('datagrams6-whole')
  rejectOurPorts(program, own, own.firstPort6, ipv6.payload, false, end)
  program.label(end)
}

/** ICMP destination unreachable, source quench, redirect, time exceeded, parameter problem: RFC 792. */
export function excludeErrors4(program: BpfBuilder, own: OwnTunnel): void {
  const end = 'icmp4-end'
  const icmp = ethernet.payload
  const quoted = icmp + 8
  requireLength(program, ethernet.payload + ipv4.minimum + 8 + ipv4.minimum + 4, end)
  program
    .add('loadHalf', ethernet.etherType)
    .add('jumpEqual', etherTypeIpv4, undefined, end)
    .add('loadByte', ipv4.protocol)
    .add('jumpEqual', protocolIcmp, undefined, end)
    .add('loadHalf', ipv4.fragment)
    .add('jumpAnySet', fragmentOffsetMask, end)
    .add('loadXHeaderLength', ethernet.payload)
  requireLengthBeyondX(program, quoted + ipv4.minimum + 4, end)
  program.add('loadByteAtX', icmp)
  for (const type of [3, 4, 5, 11]) program.add('jumpEqual', type, 'icmp4-error')
  program
    .add('jumpEqual', 12, undefined, end)
    .label('icmp4-error')
    .add('loadByteAtX', quoted + 9)
    .add('jumpEqual', protocolUdp, undefined, end)
    .add('loadHalfAtX', quoted + 6)
    .add('jumpAnySet', fragmentOffsetMask, end)
    .add('loadByteAtX', quoted)
    .add('and', 0x0f)
    .add('shiftLeft', 2)
    .add('addX')
    .add('moveToX')
  requireLengthBeyondX(program, quoted + 4, end)
  rejectOurPorts(program, own, own.firstPort4, quoted, true, end)
  program.label(end)
}

/** ICMPv6 types 1 to 4, RFC 4443: unreachable, packet too big, time exceeded, parameter problem. */
export function excludeErrors6(program: BpfBuilder, own: OwnTunnel): void {
  const end = 'icmp6-end'
  const icmp = ipv6.payload
  const quoted = icmp + 8
  const quotedPayload = quoted + 40
  requireLength(program, quotedPayload + 12, end)
  program
    .add('loadHalf', ethernet.etherType)
    .add('jumpEqual', etherTypeIpv6, undefined, end)
    .add('loadByte', ipv6.nextHeader)
    .add('jumpEqual', protocolIcmpv6, undefined, end)
    .add('loadByte', icmp)
    .add('jumpEqual', 0, end)
    .add('jumpGreater', 4, end)
    .add('loadByte', quoted + 6)
    .add('jumpEqual', protocolUdp, 'icmp6-whole')
    .add('jumpEqual', nextHeaderFragment, undefined, end)
    .add('loadByte', quotedPayload)
    .add('jumpEqual', protocolUdp, undefined, end)
    .add('loadHalf', quotedPayload + 2)
    .add('jumpAnySet', ipv6FragmentOffsetMask, end)
  rejectOurPorts(program, own, own.firstPort6, quotedPayload + 8, false, end)
  program.label('icmp6-whole')
  rejectOurPorts(program, own, own.firstPort6, quotedPayload, false, end)
  program.label(end)
}

function wordOf(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
