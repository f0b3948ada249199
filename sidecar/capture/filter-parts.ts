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

/** Rejects when the half at `at` is one of `count` numbers from `first` on; else goes on at `end`. */
export function rejectRange(program: BpfBuilder, at: number, first: number, count: number, end: string): void {
  program
    .add('loadHalf', at)
    .add('jumpAtLeast', first, undefined, end)
    .add('jumpGreater', first + count - 1, end)
    .reject()
}

/**
 * Goes on where the condition holds, else at `end`, however far that is: a conditional jump reaches 255 instructions,
 * which many sensors exceed.
 */
export function demand(program: BpfBuilder, condition: Operation, value: number, here: string, end: string): void {
  program.add(condition, value, here).add('jump', 0, end).label(here)
}
