/** Which address families a pod can send with. Pure. */

/**
 * A link-local IPv6 address (RFC 4291 section 2.5.6) reaches no other node, so it does not make a pod speak IPv6: every
 * pod has one where the kernel has IPv6 at all.
 * @param addresses of the pod's interfaces, loopback not counted
 */
export function familiesOf(addresses: readonly string[]): ReadonlySet<4 | 6> {
  const routable = addresses.filter((address) => !address.startsWith('fe80:'))
  return new Set(routable.map((address) => (address.includes(':') ? 6 : 4)))
}
