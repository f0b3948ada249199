/** How large the packets are that a pod may have on an interface, as far as its routes tell. Pure. */
import type { Route } from '../linux/route.ts'

/**
 * The largest MTU of the routes by which others than the sensor are reached, in bytes of IP packet. TCP peers keep to it
 * as well, since it is announced to them as MSS. The sensor's own route does not count, unless it is the default route,
 * nor do routes to single addresses: those are other sensors', or the gateway's.
 */
export function innerMtu(
  routes: readonly Route[],
  link: { readonly index: number; readonly mtu: number },
  sensor: Uint8Array,
): number {
  const family = sensor.length === 4 ? 4 : 6
  const towards = routes
    .filter((route) => route.family === family && covers(route, sensor))
    .sort((a, b) => b.prefixLength - a.prefixLength)[0]
  const others = routes
    .filter((route) => route.interfaceIndex === undefined || route.interfaceIndex === link.index)
    .filter((route) => !isLinkLocal(route) && !isSingle(route) && (route !== towards || route.prefixLength === 0))
  if (others.length === 0) return link.mtu
  return Math.max(...others.map(({ mtu }) => (mtu === 0 ? link.mtu : Math.min(mtu, link.mtu))))
}

function covers({ destination, prefixLength }: Route, address: Uint8Array): boolean {
  for (let bit = 0; bit < prefixLength; bit++) {
    const mask = 0x80 >>> (bit & 7)
    if (((destination[bit >>> 3] ?? 0) & mask) !== (address[bit >>> 3]! & mask)) return false
  }
  return true
}

const isSingle = ({ family, prefixLength }: Route): boolean => prefixLength === (family === 4 ? 32 : 128)

/** fe80::/10: neighbour discovery, whose packets are small. */
function isLinkLocal({ family, destination }: Route): boolean {
  return family === 6 && destination[0] === 0xfe && (destination[1]! & 0xc0) === 0x80
}
