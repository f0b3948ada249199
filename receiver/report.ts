/** What a reception amounts to at one moment, as data: `--json` prints it, the texts derive from it. */
import { endText } from './address-text.ts'
import type { FaultCode } from './faults.ts'
import { faultCodes } from './faults.ts'
import type { Flow } from './flow-table.ts'
import type { KernelLoss } from './kernel-loss.ts'
import type { Reception } from './reception.ts'

export interface FlowReport {
  vni: number
  protocol: string
  /** The end that was heard first. */
  a: string
  b: string
  framesAToB: number
  framesBToA: number
  bytes: number
  faults: number
}

export interface Report {
  listening: string
  seconds: number
  datagrams: number
  bytes: number
  verified: number
  fragments: number
  unverifiable: number
  faulty: number
  /** Only codes that occurred. */
  faults: Partial<Record<FaultCode, number>>
  oversize: number
  /** Datagrams that the kernel dropped because this program was too slow; null where the kernel does not tell. */
  lostAtSocket: number | null
  /** Lost in the whole network namespace before any socket, since this one was bound; null where the kernel does not tell. */
  lostInKernel: KernelLoss | null
  flows: number
  flowsEvicted: number
  topFlows: FlowReport[]
}

const ipProtocols: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMPv6',
  89: 'OSPF',
  103: 'PIM',
  112: 'VRRP',
  132: 'SCTP',
}

const etherTypes: Readonly<Record<number, string>> = {
  2054: 'ARP',
  34525: 'IPv6',
  2048: 'IPv4',
  34887: 'MPLS',
  34916: 'PPPoE',
  35020: 'LLDP',
}

export function protocolText(flow: Pick<Flow, 'ipVersion' | 'protocol'>): string {
  if (flow.ipVersion !== 0) return ipProtocols[flow.protocol] ?? `IP ${flow.protocol}`
  // IEEE 802.3: up to 1500 it is a length, and an LLC header follows.
  if (flow.protocol < 0x600) return 'LLC'
  return etherTypes[flow.protocol] ?? `0x${flow.protocol.toString(16).padStart(4, '0')}`
}

export function flowReport(flow: Flow): FlowReport {
  return {
    vni: flow.vni,
    protocol: protocolText(flow),
    a: endText(flow.a, flow.aPort),
    b: endText(flow.b, flow.bPort),
    framesAToB: flow.framesAb,
    framesBToA: flow.framesBa,
    bytes: flow.bytes,
    faults: flow.faults,
  }
}

/** What did not arrive, as far as the kernel tells. */
export interface Loss {
  readonly atSocket: number | null
  readonly inKernel: KernelLoss | null
}

/** @param top how many flows to list */
export function report(reception: Reception, listening: string, seconds: number, loss: Loss, top: number): Report {
  const faults: Partial<Record<FaultCode, number>> = {}
  faultCodes.forEach((code, index) => {
    const count = reception.faults[index + 1]!
    if (count > 0) faults[code] = count
  })
  return {
    listening,
    seconds: Math.round(seconds * 1000) / 1000,
    datagrams: reception.datagrams,
    bytes: reception.bytes,
    verified: reception.verified,
    fragments: reception.fragments,
    unverifiable: reception.unverifiable,
    faulty: reception.faulty,
    faults,
    oversize: reception.oversize,
    lostAtSocket: loss.atSocket,
    lostInKernel: loss.inKernel,
    flows: reception.flows.size,
    flowsEvicted: reception.flows.evicted,
    topFlows: reception.flows.top(top).map(flowReport),
  }
}
