/**
 * The programs of ENGINE=kernel, in front of the kernel's mirror: our own tunnel out, then what the user asked for.
 *
 * A VXLAN device sets no mark. Its datagrams are known by their source port, which is one of a few that we hold, so that
 * no other packet of the pod carries it, together with the sensor's port. They are never fragmented here (see
 * linux/vxlan-device.ts): each has its ports, and a fragment without ports is the application's.
 *
 * What comes in with such ports is somebody else's: the pod may be the end of another tunnel.
 */
import { BpfBuilder } from './bpf.ts'
import { excludeErrors4, excludeErrors6 } from './errors-filter.ts'
import {
  ethernet,
  etherTypeIpv4,
  etherTypeIpv6,
  fragmentOffsetMask,
  ipv4,
  ipv6,
  type OwnTunnel,
  plainIpv4Header,
  protocolUdp,
  rejectOurPorts,
  requireLength,
} from './filter-parts.ts'

const udpHeaderLength = 8

export type TunnelPorts = Pick<OwnTunnel, 'sensorPort' | 'firstPort4' | 'firstPort6' | 'portCount'>

/** @param userProgram what libpcap made of FILTER; undefined keeps everything */
export function mirrorFilter(hook: 'ingress' | 'egress', ports: TunnelPorts, userProgram: Buffer | undefined): Buffer {
  const own: OwnTunnel = { ...ports, mark: 0, addresses: [] }
  const program = new BpfBuilder()
  if (hook === 'egress') excludeDatagrams(program, own)
  else {
    excludeErrors4(program, own)
    excludeErrors6(program, own)
  }
  return (userProgram ? program.endWith(userProgram) : program.accept()).assemble()
}

function excludeDatagrams(program: BpfBuilder, own: OwnTunnel): void {
  const end = 'datagrams-end'
  requireLength(program, ethernet.payload + ipv4.minimum + udpHeaderLength, end)
  program
    .add('loadHalf', ethernet.etherType)
    .add('jumpEqual', etherTypeIpv6, 'datagrams-6')
    .add('jumpEqual', etherTypeIpv4, undefined, end)
    .add('loadByte', ethernet.payload)
    .add('jumpEqual', plainIpv4Header, undefined, end)
    .add('loadByte', ipv4.protocol)
    .add('jumpEqual', protocolUdp, undefined, end)
    .add('loadHalf', ipv4.fragment)
    .add('jumpAnySet', fragmentOffsetMask, end)
  rejectOurPorts(program, own, own.firstPort4, { at: ethernet.payload + ipv4.minimum }, end)
  program.label('datagrams-6')
  requireLength(program, ipv6.payload + udpHeaderLength, end)
  program.add('loadByte', ipv6.nextHeader).add('jumpEqual', protocolUdp, undefined, end)
  rejectOurPorts(program, own, own.firstPort6, { at: ipv6.payload }, end)
  program.label(end)
}
