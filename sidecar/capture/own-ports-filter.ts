/** Leaves out what has one of the own tunnel's source ports, whatever else has become of it. */
import { ancillaryPacketType, type BpfBuilder } from './bpf.ts'
import {
  ethernet,
  etherTypeIpv4,
  etherTypeIpv6,
  fragmentOffsetMask,
  ipv4,
  ipv6,
  ipv6FragmentOffsetMask,
  nextHeaderFragment,
  type OwnTunnel,
  packetOutgoing,
  protocolUdp,
  rejectRange,
  requireLength,
} from './filter-parts.ts'

/** What we send, by its source port alone: bound by us, and so nobody else's. Others may have such ports at the far end. */
export function excludeOurPorts4(program: BpfBuilder, own: OwnTunnel): void {
  const end = 'own4-end'
  const ports = ethernet.payload + ipv4.minimum
  requireLength(program, ports + 2, end)
  program
    .add('loadHalf', ethernet.etherType)
    .add('jumpEqual', etherTypeIpv4, undefined, end)
    .add('loadByte', ipv4.protocol)
    .add('jumpEqual', protocolUdp, undefined, end)
    .add('loadByte', ancillaryPacketType)
    .add('jumpEqual', packetOutgoing, undefined, end)
    // Our sockets set no IP options.
    .add('loadByte', ethernet.payload)
    .add('jumpEqual', 0x45, undefined, end)
    .add('loadHalf', ipv4.fragment)
    .add('jumpAnySet', fragmentOffsetMask, end)
  rejectRange(program, ports, own.firstPort4, own.portCount, end)
  program.label(end)
}

export function excludeOurPorts6(program: BpfBuilder, own: OwnTunnel): void {
  const end = 'own6-end'
  requireLength(program, ipv6.payload + 10, end)
  program
    .add('loadHalf', ethernet.etherType)
    .add('jumpEqual', etherTypeIpv6, undefined, end)
    .add('loadByte', ancillaryPacketType)
    .add('jumpEqual', packetOutgoing, undefined, end)
    .add('loadByte', ipv6.nextHeader)
    .add('jumpEqual', protocolUdp, 'own6-whole')
    .add('jumpEqual', nextHeaderFragment, undefined, end)
    .add('loadByte', ipv6.payload)
    .add('jumpEqual', protocolUdp, undefined, end)
    .add('loadHalf', ipv6.payload + 2)
    .add('jumpAnySet', ipv6FragmentOffsetMask, end)
  rejectRange(program, ipv6.payload + 8, own.firstPort6, own.portCount, end)
  program.label('own6-whole')
  rejectRange(program, ipv6.payload, own.firstPort6, own.portCount, end)
  program.label(end)
}
