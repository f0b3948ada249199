/** Leaves out ICMP and ICMPv6 errors about the own tunnel's datagrams. */
import type { BpfBuilder } from './bpf.ts'
import {
  atUdpPorts6,
  ethernet,
  etherTypeIpv4,
  etherTypeIpv6,
  fragmentOffsetMask,
  ipv4,
  ipv6,
  type OwnTunnel,
  protocolIcmp,
  protocolIcmpv6,
  protocolUdp,
  rejectOurPorts,
  requireLength,
  requireLengthBeyondX,
} from './filter-parts.ts'

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
  rejectOurPorts(program, own, own.firstPort4, { at: quoted, atX: true }, end)
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
  atUdpPorts6(program, { nextHeader: quoted + 6, payload: quotedPayload }, end, (ports) =>
    rejectOurPorts(program, own, own.firstPort6, ports, end),
  )
  program.label(end)
}
