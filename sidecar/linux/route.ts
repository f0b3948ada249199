/** The routes of this network namespace, by way of rtnetlink(7). */
import { AF_INET, AF_INET6 } from './abi.ts'
import {
  RT_TABLE_LOCAL,
  RTA_DST,
  RTA_METRICS,
  RTA_OIF,
  RTAX_MTU,
  RTM_GETROUTE,
  RTN_UNICAST,
  rtmsg,
} from './abi-traffic-control.ts'
import { askAll } from './netlink.ts'
import { attributes, number32Of } from './netlink-message.ts'

export interface Route {
  readonly family: 4 | 6
  /** In network order; empty for the default route. */
  readonly destination: Uint8Array
  /** Bits of it that count. */
  readonly prefixLength: number
  /** Of the interface that it leaves by; undefined where there are several. */
  readonly interfaceIndex: number | undefined
  /** Bytes, as set on the route; 0 where it is the interface's. */
  readonly mtu: number
}

/** Unicast routes of every table but `local`. @throws SyscallError when the kernel does not tell */
export function listRoutes(): Route[] {
  return ([4, 6] as const).flatMap((family) => {
    const header = Buffer.alloc(rtmsg.length)
    header[0] = family === 4 ? AF_INET : AF_INET6
    return askAll(RTM_GETROUTE, [header]).flatMap((body) => readRoute(body) ?? [])
  })
}

/** @param body struct rtmsg and what follows it; undefined for what is no unicast route */
export function readRoute(body: Buffer): Route | undefined {
  const family = body[0] === AF_INET ? 4 : body[0] === AF_INET6 ? 6 : undefined
  if (family === undefined || body[rtmsg.type] !== RTN_UNICAST || body[rtmsg.table] === RT_TABLE_LOCAL) return undefined
  const found = attributes(body.subarray(rtmsg.length))
  return {
    family,
    destination: found.get(RTA_DST) ?? Buffer.alloc(0),
    prefixLength: body[rtmsg.destinationLength]!,
    interfaceIndex: number32Of(found.get(RTA_OIF)),
    mtu: number32Of(attributes(found.get(RTA_METRICS) ?? Buffer.alloc(0)).get(RTAX_MTU)) ?? 0,
  }
}
