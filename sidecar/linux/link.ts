/** A network interface by way of rtnetlink(7): what it is, and the XDP program on it (include/uapi/linux/if_link.h). */
import {
  IFLA_IFALIAS,
  IFLA_IFNAME,
  IFLA_INFO_KIND,
  IFLA_LINKINFO,
  IFLA_MTU,
  IFLA_XDP,
  IFLA_XDP_ATTACHED,
  IFLA_XDP_FD,
  IFLA_XDP_FLAGS,
  IFLA_XDP_PROG_ID,
  ifinfomsg,
  RTM_GETLINK,
  RTM_SETLINK,
  XDP_ATTACHED_DRV,
  XDP_ATTACHED_NONE,
  XDP_FLAGS_DRV_MODE,
  XDP_FLAGS_UPDATE_IF_NOEXIST,
} from './abi-netlink.ts'
import { IFLA_STATS64, linkStats64 } from './abi-traffic-control.ts'
import { ENODEV, SyscallError } from './errno.ts'
import { ask, type Change } from './netlink.ts'
import { attribute, attributes, nested, number32, number32Of, text, textOf } from './netlink-message.ts'

export interface AttachedXdp {
  /** `driver`: run by the driver itself, which is what changes a veth; `other`: generic, offloaded, or several. */
  readonly mode: 'none' | 'driver' | 'other'
  /** 0 where none is attached, or where several are. */
  readonly programId: number
}

export interface Link {
  readonly index: number
  /** `veth`, `macvlan`, `dummy`, ...; empty for hardware. */
  readonly kind: string
  /** Bytes, Ethernet header not counted. */
  readonly mtu: number
  /** What `ip link` shows as alias: any text, and none of it means anything to the kernel. */
  readonly alias: string
  readonly xdp: AttachedXdp
  /** Bytes that it has sent, as it counts them. */
  readonly sentBytes: number
  /** Packets that it did not send, by mistake or for want of room; a super-frame counts once. */
  readonly unsent: number
}

const header = (index: number): Buffer => {
  const bytes = Buffer.alloc(ifinfomsg.length)
  bytes.writeInt32LE(index, ifinfomsg.index)
  return bytes
}

/** The interface of that name in this network namespace; undefined where there is none. */
export function findLink(name: string): Link | undefined {
  const { errno, body } = ask(RTM_GETLINK, [header(0), text(IFLA_IFNAME, name)])
  if (errno === ENODEV) return undefined
  if (errno !== 0) throw new SyscallError('RTM_GETLINK', errno, `cannot look at the interface ${name}`)
  return readLink(body)
}

/** @param body struct ifinfomsg and what follows it */
export function readLink(body: Buffer): Link {
  const found = attributes(body.subarray(ifinfomsg.length))
  const info = attributes(found.get(IFLA_LINKINFO) ?? Buffer.alloc(0))
  const xdp = attributes(found.get(IFLA_XDP) ?? Buffer.alloc(0))
  const statistics = found.get(IFLA_STATS64)
  const count = (at: number) =>
    statistics && statistics.length >= linkStats64.length ? Number(statistics.readBigUInt64LE(at)) : 0
  const attached = xdp.get(IFLA_XDP_ATTACHED)?.[0] ?? XDP_ATTACHED_NONE
  return {
    index: body.readInt32LE(ifinfomsg.index),
    kind: textOf(info.get(IFLA_INFO_KIND)) ?? '',
    mtu: number32Of(found.get(IFLA_MTU)) ?? 0,
    alias: textOf(found.get(IFLA_IFALIAS)) ?? '',
    xdp: {
      mode: attached === XDP_ATTACHED_NONE ? 'none' : attached === XDP_ATTACHED_DRV ? 'driver' : 'other',
      programId: number32Of(xdp.get(IFLA_XDP_PROG_ID)) ?? 0,
    },
    sentBytes: count(linkStats64.txBytes),
    unsent: count(linkStats64.txErrors) + count(linkStats64.txDropped),
  }
}

/** Sets the interface's alias; the empty text takes it away. */
export function setAlias(index: number, alias: string): Change {
  return ask(RTM_SETLINK, [header(index), attribute(IFLA_IFALIAS, Buffer.from(alias))])
}

/**
 * Attaches a program in the driver, where none is attached yet; EBUSY where one is. It stays when the descriptor is
 * closed and this process has gone, unlike one attached by a bpf_link, which goes with its last descriptor.
 */
export function attachXdp(index: number, programFd: number): Change {
  return setXdp(index, programFd, XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST)
}

export function detachXdp(index: number): Change {
  return setXdp(index, -1, XDP_FLAGS_DRV_MODE)
}

function setXdp(index: number, fd: number, flags: number): Change {
  const xdp = nested(IFLA_XDP, number32(IFLA_XDP_FD, fd), number32(IFLA_XDP_FLAGS, flags))
  return ask(RTM_SETLINK, [header(index), xdp])
}
