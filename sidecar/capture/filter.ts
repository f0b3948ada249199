/**
 * The program in front of the ring: our own tunnel out, the wrong direction out, then what the user asked for.
 *
 * A classic BPF load beyond the frame's end rejects the frame, so each part first checks that the frame is long
 * enough: a truncated packet of the pod must reach the sensor and not fall to our own exclusion.
 *
 * Own tunnel, three kinds of packets:
 * - datagrams that we send, and their IP fragments: known by the socket's mark, which the kernel copies to each
 *   fragment (ip_copy_metadata in net/ipv4/ip_output.c); without the right to set a mark, fragments by sensor address
 *   and protocol. Whole datagrams and first fragments always by their source port as well: rules of the pod's own may
 *   have changed mark, address and port by here, and a tunnel that mirrors itself has no end;
 * - ICMP and ICMPv6 errors that quote one of our datagrams: by the quoted ports. Our source ports are bound by us, so
 *   no other packet of the pod carries them. An error about a later fragment does not exist (RFC 1122 section 3.2.2).
 */
import { ancillaryMark, ancillaryPacketType, BpfBuilder } from './bpf.ts'
import { excludeErrors4, excludeErrors6 } from './errors-filter.ts'
import {
  demand,
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
} from './filter-parts.ts'
import { excludeOurPorts4, excludeOurPorts6 } from './own-ports-filter.ts'

export type Direction = 'both' | 'in' | 'out'

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
    if (addresses4.length > 0) excludeFragments4(program, addresses4)
    if (addresses6.length > 0) excludeFragments6(program, addresses6)
  }
  if (own.firstPort4 !== 0) {
    excludeOurPorts4(program, own)
    excludeErrors4(program, own)
  }
  if (own.firstPort6 !== 0) {
    excludeOurPorts6(program, own)
    excludeErrors6(program, own)
  }
  if (direction !== 'both') {
    program.add('loadByte', ancillaryPacketType)
    if (direction === 'in') program.add('jumpEqual', packetOutgoing, undefined, 'direction').reject()
    else program.add('jumpEqual', packetOutgoing, 'direction').reject()
    program.label('direction')
  }
  return (userProgram ? program.endWith(userProgram) : program.accept()).assemble()
}

/**
 * Later fragments have no ports: those towards a sensor are taken for ours.
 *
 * Headers are looked at once for all sensors, and each costs few instructions: before Linux 6.7 a socket has 20 KiB for
 * its filters (net.core.optmem_max), the one that is replaced included, and a load from the packet takes 60 bytes of it.
 */
function excludeFragments4(program: BpfBuilder, addresses: readonly Uint8Array[]): void {
  const end = 'fragments4-end'
  program.add('loadLength')
  demand(program, 'jumpAtLeast', ethernet.payload + ipv4.minimum, 'fragments4-length', end)
  program.add('loadHalf', ethernet.etherType)
  demand(program, 'jumpEqual', etherTypeIpv4, 'fragments4-ip', end)
  program.add('loadByte', ipv4.protocol)
  demand(program, 'jumpEqual', protocolUdp, 'fragments4-udp', end)
  // Only frames that we send: the sensor's own address is no peer that others reach through this pod.
  program.add('loadByte', ancillaryPacketType)
  demand(program, 'jumpEqual', packetOutgoing, 'fragments4-outgoing', end)
  program.add('loadHalf', ipv4.fragment)
  demand(program, 'jumpAnySet', fragmentOffsetMask, 'fragments4-later', end)
  program.add('loadWord', ipv4.destination)
  addresses.forEach((address, index) => {
    const other = `fragments4-not-${index}`
    program.add('jumpEqual', wordOf(address, 0), undefined, other).reject().label(other)
  })
  program.label(end)
}

function excludeFragments6(program: BpfBuilder, addresses: readonly Uint8Array[]): void {
  const end = 'fragments6-end'
  program.add('loadLength')
  demand(program, 'jumpAtLeast', ipv6.payload + 8, 'fragments6-length', end)
  program.add('loadHalf', ethernet.etherType)
  demand(program, 'jumpEqual', etherTypeIpv6, 'fragments6-ip', end)
  program.add('loadByte', ancillaryPacketType)
  demand(program, 'jumpEqual', packetOutgoing, 'fragments6-outgoing', end)
  program.add('loadByte', ipv6.nextHeader)
  demand(program, 'jumpEqual', nextHeaderFragment, 'fragments6-fragment', end)
  program.add('loadByte', ipv6.payload)
  demand(program, 'jumpEqual', protocolUdp, 'fragments6-udp', end)
  program.add('loadHalf', ipv6.payload + 2)
  demand(program, 'jumpAnySet', ipv6FragmentOffsetMask, 'fragments6-later', end)
  for (let word = 0; word < 4; word++) {
    program.add('loadWord', ipv6.destination + word * 4).add('storeScratch', word)
  }
  addresses.forEach((address, index) => {
    const other = `fragments6-not-${index}`
    for (let word = 0; word < 4; word++) {
      program.add('loadScratch', word).add('jumpEqual', wordOf(address, word * 4), undefined, other)
    }
    program.reject().label(other)
  })
  program.label(end)
}

function wordOf(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
