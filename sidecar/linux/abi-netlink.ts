/**
 * Constants and structure layouts of rtnetlink(7), each with the header that defines it; offsets in bytes, native byte
 * order (x86_64 and aarch64 are little-endian).
 */

/** include/linux/socket.h */
export const AF_NETLINK = 16
export const SOL_NETLINK = 270

/** include/uapi/linux/netlink.h */
export const NETLINK_ROUTE = 0
export const NETLINK_CAP_ACK = 10
export const NETLINK_EXT_ACK = 11
export const NLM_F_REQUEST = 0x01
export const NLM_F_ACK = 0x04
export const NLM_F_ACK_TLVS = 0x200
export const NLMSG_ERROR = 2
export const NLMSGERR_ATTR_MSG = 1
export const NLA_F_NESTED = 0x8000
export const NLA_TYPE_MASK = 0x3fff

/** struct nlmsghdr, netlink.h */
export const nlmsghdr = { bytes: 0, type: 4, flags: 6, sequence: 8, length: 16 } as const

/** struct nlmsgerr, netlink.h, after the header; with NETLINK_CAP_ACK only the request's header is quoted. */
export const nlmsgerr = { error: 0, length: 20 } as const

/** struct nlattr, netlink.h; the payload follows, and the next attribute at a multiple of four bytes. */
export const nlattr = { bytes: 0, type: 2, length: 4 } as const

/** include/uapi/linux/rtnetlink.h */
export const RTM_NEWLINK = 16
export const RTM_GETLINK = 18
export const RTM_SETLINK = 19

/** struct ifinfomsg, rtnetlink.h */
export const ifinfomsg = { index: 4, length: 16 } as const

/** include/uapi/linux/if_link.h */
export const IFLA_IFNAME = 3
export const IFLA_MTU = 4
export const IFLA_LINKINFO = 18
export const IFLA_IFALIAS = 20
export const IFLA_XDP = 43
export const IFLA_INFO_KIND = 1
export const IFLA_XDP_FD = 1
export const IFLA_XDP_ATTACHED = 2
export const IFLA_XDP_FLAGS = 3
export const IFLA_XDP_PROG_ID = 4
export const XDP_FLAGS_UPDATE_IF_NOEXIST = 1 << 0
export const XDP_FLAGS_DRV_MODE = 1 << 2
export const XDP_ATTACHED_NONE = 0
export const XDP_ATTACHED_DRV = 1

/** include/uapi/linux/if.h: bytes of an interface's alias, its zero byte counted. */
export const IFALIASZ = 256
