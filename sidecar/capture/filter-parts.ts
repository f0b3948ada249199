/** What the parts of a filter share: where fields of a frame are, and steps of several instructions. */
import type { BpfBuilder, Operation } from './bpf.ts'

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

export const ethernet = { etherType: 12, payload: 14 } as const
export const etherTypeIpv4 = 0x0800
export const etherTypeIpv6 = 0x86dd
export const ipv4 = { fragment: 14 + 6, protocol: 14 + 9, destination: 14 + 16, minimum: 20 } as const
export const ipv6 = { nextHeader: 14 + 6, destination: 14 + 24, payload: 14 + 40 } as const
export const protocolUdp = 17
export const protocolIcmp = 1
export const protocolIcmpv6 = 58
export const nextHeaderFragment = 44
export const fragmentOffsetMask = 0x1fff
export const ipv6FragmentOffsetMask = 0xfff8
/** Version 4, a header without options: what our sockets and the kernel's tunnels send. */
export const plainIpv4Header = 0x45
/** struct sockaddr_ll's sll_pkttype of a frame that this host sends, if_packet.h. */
export const packetOutgoing = 4

/** Goes on at `end` unless the frame has at least `bytes`. */
export function requireLength(program: BpfBuilder, bytes: number, end: string): void {
  program.add('loadLength').add('jumpAtLeast', bytes, undefined, end)
}

/** The same for an offset relative to X; X may be larger than the frame, and the difference then wraps. */
export function requireLengthBeyondX(program: BpfBuilder, bytes: number, end: string): void {
  program
    .add('loadLength')
    .add('subtractX')
    .add('jumpGreater', 0x7fff_ffff, end)
    .add('jumpAtLeast', bytes, undefined, end)
}

/** Where a port is looked for: from the frame's beginning, or relative to X. */
export interface PortsAt {
  readonly at: number
  readonly atX?: boolean
}

/** Rejects when the source port at `at` is one of `count` from `first` on; else goes on at `end`. */
export function rejectSourcePorts(
  program: BpfBuilder,
  first: number,
  count: number,
  { at, atX = false }: PortsAt,
  end: string,
): void {
  program
    .add(atX ? 'loadHalfAtX' : 'loadHalf', at)
    .add('jumpAtLeast', first, undefined, end)
    .add('jumpGreater', first + count - 1, end)
    .reject()
}

/** The same, and only towards the sensor's port. */
export function rejectOurPorts(program: BpfBuilder, own: OwnTunnel, first: number, ports: PortsAt, end: string): void {
  program
    .add(ports.atX === true ? 'loadHalfAtX' : 'loadHalf', ports.at + 2)
    .add('jumpEqual', own.sensorPort, undefined, end)
  rejectSourcePorts(program, first, own.portCount, ports, end)
}

/**
 * Goes to UDP's ports behind an IPv6 header, in a whole datagram or in a first fragment; at `end` where there are none.
 * @param header offsets of that header's next header and of what is behind it
 * @param reject ends each of both ways
 */
export function atUdpPorts6(
  program: BpfBuilder,
  header: { readonly nextHeader: number; readonly payload: number },
  end: string,
  reject: (ports: PortsAt) => void,
): void {
  const whole = `${end}-whole`
  program
    .add('loadByte', header.nextHeader)
    .add('jumpEqual', protocolUdp, whole)
    .add('jumpEqual', nextHeaderFragment, undefined, end)
    .add('loadByte', header.payload)
    .add('jumpEqual', protocolUdp, undefined, end)
    .add('loadHalf', header.payload + 2)
    .add('jumpAnySet', ipv6FragmentOffsetMask, end)
  reject({ at: header.payload + 8 })
  program.label(whole)
  reject({ at: header.payload })
}

/**
 * Goes on where the condition holds, else at `end`, however far that is: a conditional jump reaches 255 instructions,
 * which many sensors exceed.
 */
export function demand(program: BpfBuilder, condition: Operation, value: number, here: string, end: string): void {
  program.add(condition, value, here).add('jump', 0, end).label(here)
}
