/** What one check learned about a datagram, as far as it came. One record is reused; `check` sets every field. */
import { ethernetAddressLength, ethernetField } from '../wire/ethernet.ts'
import { ipv4AddressLength, ipv4Field } from '../wire/ipv4.ts'
import { ipv6AddressLength, ipv6Field } from '../wire/ipv6.ts'
import type { ParsedFrame } from '../wire/parse.ts'
import { emptyParsedFrame } from '../wire/parse.ts'
import type { VxlanHeader } from '../wire/vxlan.ts'
import { emptyVxlan } from '../wire/vxlan.ts'

export interface Verdict {
  readonly vxlan: VxlanHeader
  /** Only where `hasEthernet`. */
  readonly parsed: ParsedFrame
  /** The VXLAN header is a right one, so that a frame follows it: `frameAt` and `frameLength` hold. */
  hasFrame: boolean
  /** The frame has a whole Ethernet header, VLAN tags included. */
  hasEthernet: boolean
  /** First byte of the inner frame, as an offset into the memory that was checked. */
  frameAt: number
  frameLength: number
  /** Both 0 where there are none, or where they stand in another fragment. */
  sourcePort: number
  destinationPort: number
  /** A checksum over the transport's bytes was there and right. */
  verified: boolean
}

export function emptyVerdict(): Verdict {
  return {
    vxlan: emptyVxlan(),
    parsed: emptyParsedFrame(),
    hasFrame: false,
    hasEthernet: false,
    frameAt: 0,
    frameLength: 0,
    sourcePort: 0,
    destinationPort: 0,
    verified: false,
  }
}

/** Bytes of the addresses of the frame's ends: IP where it is IP, else MAC. Preconditions here and below: `hasEthernet`. */
export function addressLength(ipVersion: number): number {
  if (ipVersion === 4) return ipv4AddressLength
  return ipVersion === 6 ? ipv6AddressLength : ethernetAddressLength
}

/** Where the sender's address stands. */
export function sourceAt(verdict: Verdict): number {
  const { ipVersion, l3 } = verdict.parsed
  if (ipVersion === 4) return l3 + ipv4Field.source
  return ipVersion === 6 ? l3 + ipv6Field.source : verdict.frameAt + ethernetField.source
}

/** Where the receiver's address stands. */
export function destinationAt(verdict: Verdict): number {
  const { ipVersion, l3 } = verdict.parsed
  if (ipVersion === 4) return l3 + ipv4Field.destination
  return ipVersion === 6 ? l3 + ipv6Field.destination : verdict.frameAt + ethernetField.destination
}
