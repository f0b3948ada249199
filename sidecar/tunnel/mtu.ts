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

export function largestFrame(pathMtu: number, family: 4 | 6): number {
  // An unknown path limits nothing: what is too large is then fragmented.
  if (pathMtu === 0) return Number.POSITIVE_INFINITY
  return Math.max(0, pathMtu - (family === 4 ? overheadIpv4 : overheadIpv6))
}
