/**
 * The sizes of a tunnel, in bytes.
 *
 * path MTU: the largest IP packet that the way to the sensor carries, as the kernel knows it.
 * overhead: outer IP, UDP and VXLAN headers around an inner Ethernet frame (RFC 7348 section 5).
 * largest frame: path MTU less overhead; the inner frame, its Ethernet header and VLAN tags included.
 */
const outerUdp = 8
const vxlan = 8

export const overheadIpv4 = 20 + outerUdp + vxlan
export const overheadIpv6 = 40 + outerUdp + vxlan

/** The most that IP's 16-bit lengths leave for the payload of one UDP send, batched or not: IPv4's counts its header. */
export function mostDatagramBytes(family: 4 | 6): number {
  return family === 4 ? 65_535 - 20 - outerUdp : 65_535 - outerUdp
}

/** UDP payload of the largest datagram that is not fragmented; 0 where the path is not known. */
export function largestDatagram(pathMtu: number, family: 4 | 6): number {
  const room = pathMtu - (family === 4 ? 20 : 40) - outerUdp
  return Math.min(Math.max(0, room), mostDatagramBytes(family))
}

export function largestFrame(pathMtu: number, family: 4 | 6): number {
  // An unknown path limits nothing: what is too large is then fragmented.
  if (pathMtu === 0) return Number.POSITIVE_INFINITY
  return Math.max(0, pathMtu - (family === 4 ? overheadIpv4 : overheadIpv6))
}
