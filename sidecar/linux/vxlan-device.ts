/** A VXLAN device of the kernel, by way of rtnetlink(7); include/uapi/linux/if_link.h. */
import { isIPv6 } from 'node:net'
import { AF_INET6, IFF_UP } from './abi.ts'
import {
  IFLA_IFNAME,
  IFLA_INFO_KIND,
  IFLA_LINKINFO,
  IFLA_MTU,
  ifinfomsg,
  RTM_NEWLINK,
  RTM_SETLINK,
} from './abi-netlink.ts'
import {
  IFLA_AF_SPEC,
  IFLA_INET6_ADDR_GEN_MODE,
  IFLA_INFO_DATA,
  IFLA_VXLAN_DF,
  IFLA_VXLAN_GROUP,
  IFLA_VXLAN_GROUP6,
  IFLA_VXLAN_ID,
  IFLA_VXLAN_LEARNING,
  IFLA_VXLAN_PORT,
  IFLA_VXLAN_PORT_RANGE,
  IFLA_VXLAN_UDP_CSUM,
  IN6_ADDR_GEN_MODE_NONE,
  ifinfomsgFlags,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELLINK,
  VXLAN_DF_SET,
} from './abi-traffic-control.ts'
import { ask, type Change } from './netlink.ts'
import { attribute, nested, number32, text } from './netlink-message.ts'
import { addressBytes } from './udp-socket.ts'

export interface VxlanDevice {
  readonly name: string
  readonly vni: number
  /** Undefined where there is none yet. */
  readonly remote: string | undefined
  readonly port: number
  /** Neighbouring source ports, of which the hash of the inner flow picks one; the last one not among them. */
  readonly sourcePorts: readonly [first: number, end: number]
  /** Bytes of the inner packet, Ethernet header not counted. */
  readonly mtu: number
}

function header(index = 0, up = false): Buffer {
  const bytes = Buffer.alloc(ifinfomsg.length)
  bytes.writeInt32LE(index, ifinfomsg.index)
  bytes.writeUInt32LE(up ? IFF_UP : 0, ifinfomsgFlags.flags)
  bytes.writeUInt32LE(up ? IFF_UP : 0, ifinfomsgFlags.change)
  return bytes
}

const byte = (type: number, value: number): Buffer => attribute(type, Buffer.from([value]))

const linkInfo = (...data: readonly Buffer[]): Buffer =>
  nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, 'vxlan'), nested(IFLA_INFO_DATA, ...data))

function remoteAddress(address: string): Buffer {
  return attribute(isIPv6(address) ? IFLA_VXLAN_GROUP6 : IFLA_VXLAN_GROUP, addressBytes(address))
}

/** Numbers of 16 bits as they stand on the wire. */
function ports(type: number, ...values: readonly number[]): Buffer {
  return attribute(type, Buffer.from(values.flatMap((value) => [value >>> 8, value & 0xff])))
}

/**
 * Makes it, switched off; EEXIST where there is an interface of that name. What it sends is never fragmented: over IPv4
 * it carries DF (Linux 4.20), and over IPv6 only who sends could (ip6_fragment in net/ipv6/ip6_output.c refuses to).
 */
export function addVxlan(device: VxlanDevice): Change {
  const body = [
    header(),
    text(IFLA_IFNAME, device.name),
    number32(IFLA_MTU, device.mtu),
    linkInfo(
      number32(IFLA_VXLAN_ID, device.vni),
      ...(device.remote === undefined ? [] : [remoteAddress(device.remote)]),
      // The kernel's range goes from the first to the one before the second: udp_flow_src_port in include/net/udp.h.
      ports(IFLA_VXLAN_PORT_RANGE, ...device.sourcePorts),
      ports(IFLA_VXLAN_PORT, device.port),
      byte(IFLA_VXLAN_LEARNING, 0),
      byte(IFLA_VXLAN_UDP_CSUM, 0),
      byte(IFLA_VXLAN_DF, VXLAN_DF_SET),
    ),
  ]
  return ask(RTM_NEWLINK, body, NLM_F_CREATE | NLM_F_EXCL)
}

/**
 * Sends to another address from now on, without a gap; EOPNOTSUPP where that is of the other family, and before Linux
 * 4.17 (vxlan_changelink in drivers/net/vxlan).
 */
export function changeRemote(index: number, remote: string): Change {
  return ask(RTM_NEWLINK, [header(index), linkInfo(remoteAddress(remote))])
}

/**
 * Keeps IPv6 from giving it an address by itself, whose solicitations and multicast reports would be sent through it.
 * Best effort: where there is no IPv6, there is nothing to keep from it.
 */
export function withoutIpv6Address(index: number): Change {
  const family = nested(AF_INET6, byte(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE))
  return ask(RTM_SETLINK, [header(index), nested(IFLA_AF_SPEC, family)])
}

export function switchOn(index: number): Change {
  return ask(RTM_SETLINK, [header(index, true)])
}

export function deleteLink(index: number): Change {
  return ask(RTM_DELLINK, [header(index)])
}
