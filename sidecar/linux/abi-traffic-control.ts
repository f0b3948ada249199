/** Constants and structure layouts of tc(8)'s half of rtnetlink and of VXLAN devices; offsets in bytes, native byte order. */

/** include/uapi/linux/netlink.h: make it, and fail where it is there already. */
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
/** Every object of a kind, one message each, and NLMSG_DONE after the last. */
export const NLM_F_DUMP = 0x300
export const NLMSG_DONE = 3

/** include/uapi/linux/rtnetlink.h */
export const RTM_DELLINK = 17
export const RTM_NEWQDISC = 36
export const RTM_DELQDISC = 37
export const RTM_NEWTFILTER = 44
export const RTM_DELTFILTER = 45
export const RTM_GETTFILTER = 46
export const TCA_KIND = 1
export const TCA_OPTIONS = 2

/** struct tcmsg, rtnetlink.h; `info` of a filter is its preference, then its protocol in network byte order. */
export const tcmsg = { interfaceIndex: 4, handle: 8, parent: 12, info: 16, length: 20 } as const

/** include/uapi/linux/pkt_sched.h: the qdisc that has no queue, and its two hooks. */
export const TC_H_CLSACT = 0xffff_fff1
export const CLSACT_HANDLE = 0xffff_0000
export const CLSACT_INGRESS = 0xffff_fff2
export const CLSACT_EGRESS = 0xffff_fff3

/** include/uapi/linux/pkt_cls.h */
export const TCA_BPF_ACT = 1
export const TCA_BPF_OPS_LEN = 4
export const TCA_BPF_OPS = 5
export const TCA_BPF_FLAGS = 8
export const TCA_BPF_FLAG_ACT_DIRECT = 1
export const TCA_ACT_KIND = 1
export const TCA_ACT_OPTIONS = 2
export const TCA_ACT_STATS = 4
export const TC_ACT_UNSPEC = -1

/** include/uapi/linux/tc_act/tc_mirred.h */
export const TCA_MIRRED_PARMS = 2
export const TCA_EGRESS_MIRROR = 2
export const tcMirred = { action: 8, eaction: 20, interfaceIndex: 24, length: 28 } as const

/** include/uapi/linux/gen_stats.h; the 64-bit count is there once the 32-bit one has overflowed. */
export const TCA_STATS_BASIC = 1
export const TCA_STATS_QUEUE = 3
export const TCA_STATS_PKT64 = 8
export const gnetStatsBasic = { bytes: 0, packets: 8, length: 12 } as const
export const gnetStatsQueue = { drops: 8, overlimits: 16, length: 20 } as const

/** include/uapi/linux/if_link.h: a VXLAN device. */
export const IFLA_INFO_DATA = 2
export const IFLA_VXLAN_ID = 1
export const IFLA_VXLAN_GROUP = 2
export const IFLA_VXLAN_LEARNING = 7
export const IFLA_VXLAN_PORT_RANGE = 10
export const IFLA_VXLAN_PORT = 15
export const IFLA_VXLAN_GROUP6 = 16
export const IFLA_VXLAN_UDP_CSUM = 18
export const IFLA_VXLAN_DF = 29
export const VXLAN_DF_SET = 1

/** include/uapi/linux/if.h: `flags` and `change` of struct ifinfomsg. */
export const ifinfomsgFlags = { flags: 8, change: 12 } as const

/** include/uapi/linux/if_link.h: what an address family knows of a link. */
export const IFLA_AF_SPEC = 26
export const IFLA_INET6_ADDR_GEN_MODE = 8
export const IN6_ADDR_GEN_MODE_NONE = 1

/** struct rtnl_link_stats64, if_link.h */
export const IFLA_STATS64 = 23
export const linkStats64 = { txBytes: 24, txErrors: 40, txDropped: 56, length: 64 } as const

/** include/uapi/linux/rtnetlink.h: routes. */
export const RTM_GETROUTE = 26
export const rtmsg = { destinationLength: 1, table: 4, type: 7, length: 12 } as const
export const RTN_UNICAST = 1
export const RT_TABLE_LOCAL = 255
export const RTA_DST = 1
export const RTA_OIF = 4
export const RTA_METRICS = 8
export const RTAX_MTU = 2
