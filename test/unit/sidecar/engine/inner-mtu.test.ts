import { describe, expect, it } from 'vitest'
import { innerMtu } from '../../../../sidecar/engine/inner-mtu.ts'
import type { Route } from '../../../../sidecar/linux/route.ts'
import { addressBytes } from '../../../../sidecar/linux/udp-socket.ts'

const link = { index: 2, mtu: 1600 }
const sensor = addressBytes('10.9.0.7')

function route(to: string, mtu: number, interfaceIndex: number | undefined = 2): Route {
  const [address = '', length = ''] = to.split('/')
  const family = address.includes(':') ? 6 : 4
  const destination = length === '0' ? new Uint8Array() : addressBytes(address)
  return { family, destination, prefixLength: Number(length), interfaceIndex, mtu }
}

describe("the size of a pod's own packets", () => {
  it("given routes with an MTU of their own and one of a sensor's network, then it is theirs", () => {
    const routes = [route('0.0.0.0/0', 1450), route('10.8.1.0/24', 1500), route('10.9.0.0/16', 1600)]
    expect(innerMtu(routes, link, sensor)).toBe(1500)
  })

  it('given a route without one, then it is the interface’s, and never more', () => {
    expect(innerMtu([route('0.0.0.0/0', 1450), route('10.8.1.0/24', 0)], link, sensor)).toBe(1600)
    expect(innerMtu([route('0.0.0.0/0', 9000)], link, sensor)).toBe(1600)
    expect(innerMtu([], link, sensor)).toBe(1600)
  })

  it('given a sensor behind the default route, then that route counts', () => {
    expect(innerMtu([route('0.0.0.0/0', 1500), route('10.8.1.0/24', 1400)], link, sensor)).toBe(1500)
  })

  it('given routes to single addresses, of other interfaces and of link-local networks, then these do not count', () => {
    const routes = [
      route('0.0.0.0/0', 1450),
      route('169.254.1.1/32', 0),
      route('fd00::1/128', 0),
      route('fe80::/64', 0),
      route('10.7.0.0/16', 0, 3),
    ]
    expect(innerMtu(routes, link, sensor)).toBe(1450)
  })

  it('given several ways to the sensor, then the longest prefix is the one taken', () => {
    const routes = [route('0.0.0.0/0', 1400), route('10.0.0.0/8', 1500), route('10.9.0.0/16', 1600)]
    expect(innerMtu(routes, link, sensor)).toBe(1500)
  })

  it('given a route over several interfaces, then it counts', () => {
    expect(innerMtu([{ ...route('0.0.0.0/0', 1480), interfaceIndex: undefined }], link, sensor)).toBe(1480)
  })

  it('given IPv6 routes that are wider, then they count for a sensor on IPv4', () => {
    expect(innerMtu([route('0.0.0.0/0', 1450), route('::/0', 1550)], link, sensor)).toBe(1550)
  })
})
