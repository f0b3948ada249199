/**
 * What can be wrong with a VXLAN datagram or the frame in it: a closed set. Each has a counter under its code and the
 * sentence that an operator reads. One datagram has one fault: the first that a sensor walking inwards would meet.
 */
export const faults = {
  vxlan_short: 'the datagram is shorter than the 8 bytes of a VXLAN header (RFC 7348 section 5)',
  vxlan_flags: 'the VXLAN flags are not 0x08: no VNI, or bits of an extension (GBP, GPE) that a strict sensor refuses',
  vxlan_reserved: 'a reserved bit of the VXLAN header is not zero; Suricata refuses the datagram by default',
  vxlan_vni: 'the VNI is not the expected one (--vni)',
  ethernet_short: 'the inner frame is shorter than an Ethernet header (14 bytes)',
  vlan_short: 'the inner frame ends within a VLAN tag',
  ipv4_short: 'the inner frame ends within its IPv4 header',
  ipv4_version: 'the EtherType says IPv4 but the version field does not say 4',
  ipv4_header_length: 'the IPv4 header length is below 20 bytes or beyond the packet',
  ipv4_total_length:
    'the IPv4 total length is beyond the frame or below the header: a cut frame (SNAPLEN), or 0 in an unsegmented super-frame',
  ipv4_checksum: 'the IPv4 header checksum is wrong',
  ipv6_short: 'the inner frame ends within its IPv6 header',
  ipv6_version: 'the EtherType says IPv6 but the version field does not say 6',
  ipv6_payload_length:
    'the IPv6 payload length is beyond the frame: a cut frame (SNAPLEN), or a jumbo payload in an unsegmented super-frame',
  ipv6_extension: 'an IPv6 extension header ends beyond the packet',
  tcp_short: 'the packet ends within its TCP header',
  tcp_header_length: 'the TCP header length is below 20 bytes or beyond the packet',
  tcp_checksum: 'the TCP checksum is wrong: Zeek and Suricata ignore such a segment without a word',
  udp_short: 'the packet ends within its UDP header',
  udp_length: 'the UDP length is below 8 bytes or beyond the packet',
  udp_checksum: 'the UDP checksum is wrong: Zeek ignores such a datagram',
  udp_no_checksum: 'a UDP checksum of 0 is not allowed over IPv6 (RFC 8200 section 8.1)',
  sctp_short: 'the packet ends within its SCTP header',
  sctp_checksum: 'the SCTP checksum (CRC32c) is wrong',
  icmp_short: 'the packet ends within its ICMP header (8 bytes; ICMPv6 4)',
  icmp_checksum: 'the ICMP checksum is wrong',
  icmpv6_checksum: 'the ICMPv6 checksum is wrong',
} as const

export type FaultCode = keyof typeof faults

/** A fault in the hot path is a small number: 0 for none, else a place in `faultCodes` plus one. */
export const noFault = 0

export const faultCodes = Object.keys(faults) as readonly FaultCode[]

/** The number of each code. */
export const fault = Object.fromEntries(faultCodes.map((code, index) => [code, index + 1])) as Record<FaultCode, number>

/** The code of a fault's number. Preconditions: `number` is one that a check returned, and not `noFault`. */
export function faultCode(number: number): FaultCode {
  return faultCodes[number - 1]!
}
