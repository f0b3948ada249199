/** Leaves out what has one of the own tunnel's source ports, whatever else has become of it. */
import { ancillaryPacketType, type BpfBuilder } from './bpf.ts'
import {
  atUdpPorts6,
  ethernet,
  etherTypeIpv4,
  etherTypeIpv6,
  fragmentOffsetMask,
  ipv4,
  ipv6,
  type OwnTunnel,
  packetOutgoing,
  plainIpv4Header,
  protocolUdp,
  rejectSourcePorts,
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
    .add('loadByte', ethernet.payload)
    .add('jumpEqual', plainIpv4Header, undefined, end)
    .add('loadHalf', ipv4.fragment)
    .add('jumpAnySet', fragmentOffsetMask, end)
  rejectSourcePorts(program, own.firstPort4, own.portCount, { at: ports }, end)
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
  atUdpPorts6(program, ipv6, end, (ports) => rejectSourcePorts(program, own.firstPort6, own.portCount, ports, end))
  program.label(end)
}
