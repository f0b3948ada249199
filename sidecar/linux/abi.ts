/**
 * The kernel's constants and structure layouts that the sidecar uses, each with the header that defines it.
 * Layouts are those of 64-bit little-endian Linux (x86_64, aarch64); offsets are in bytes.
 */

/** include/linux/socket.h, include/uapi/asm-generic/socket.h */
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_PACKET = 17
export const SOCK_DGRAM = 2
export const SOCK_RAW = 3
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000
export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_ERROR = 4
export const SO_SNDBUF = 7
export const SO_NO_CHECK = 11
export const SO_ATTACH_FILTER = 26
export const SO_MARK = 36
export const MSG_DONTWAIT = 0x40
export const MSG_ERRQUEUE = 0x2000

/** include/uapi/linux/in.h, in6.h */
export const SOL_IP = 0
export const IP_MTU_DISCOVER = 10
export const IP_RECVERR = 11
export const IP_MTU = 14
export const IP_PMTUDISC_DONT = 0
export const SOL_IPV6 = 41
export const IPV6_MTU = 24
export const IPV6_RECVERR = 25
export const IPV6_V6ONLY = 26

/** include/uapi/linux/udp.h: bytes of each datagram that a send is cut into; Linux 4.18 and later. */
export const SOL_UDP = 17
export const UDP_SEGMENT = 103

/** include/uapi/linux/if_ether.h */
export const ETH_P_ALL = 0x0003

/** include/uapi/linux/if_packet.h */
export const SOL_PACKET = 263
export const PACKET_RX_RING = 5
export const PACKET_STATISTICS = 6
export const PACKET_VERSION = 10
export const PACKET_RESERVE = 12
export const PACKET_VNET_HDR = 15
export const TPACKET_V3 = 2
export const PACKET_OUTGOING = 4
export const TP_STATUS_KERNEL = 0
export const TP_STATUS_USER = 1
export const TP_STATUS_VLAN_VALID = 0x10
export const TP_STATUS_VLAN_TPID_VALID = 0x40

/** struct tpacket_req3, if_packet.h: seven unsigned ints. */
export const tpacketReq3 = {
  blockSize: 0,
  blockCount: 4,
  frameSize: 8,
  frameCount: 12,
  retireTimeoutMs: 16,
  privateSize: 20,
  features: 24,
  length: 28,
} as const

/** struct tpacket_block_desc with struct tpacket_hdr_v1, if_packet.h. */
export const blockDescriptor = {
  status: 8,
  packetCount: 12,
  firstPacket: 16,
} as const

/** struct tpacket3_hdr, if_packet.h, and the struct sockaddr_ll that follows it at TPACKET_ALIGN(48). */
export const tpacket3 = {
  nextOffset: 0,
  seconds: 4,
  nanoseconds: 8,
  snapLength: 12,
  length: 16,
  status: 20,
  mac: 24,
  net: 26,
  vlanTci: 32,
  vlanTpid: 36,
  sockaddrPacketType: 58,
} as const

/** struct tpacket_stats_v3, if_packet.h. */
export const tpacketStats3 = { packets: 0, drops: 4, freezes: 8, length: 12 } as const

/** struct sockaddr_ll, if_packet.h. */
export const sockaddrLl = { family: 0, protocol: 2, interfaceIndex: 4, length: 20 } as const

/** struct sockaddr_in and sockaddr_in6, include/uapi/linux/in.h and in6.h. */
export const sockaddrIn = { family: 0, port: 2, address: 4, length: 16 } as const
export const sockaddrIn6 = { family: 0, port: 2, flowInfo: 4, address: 8, scopeId: 24, length: 28 } as const

/** struct mmsghdr (a struct msghdr and msg_len) and struct iovec, include/linux/socket.h and uapi/linux/uio.h. */
export const mmsghdr = { iov: 16, iovCount: 24, control: 32, controlLength: 40, messageLength: 56, length: 64 } as const
/** struct cmsghdr, include/linux/socket.h: a 64-bit length that counts itself, then the data. */
export const cmsghdr = { bytes: 0, level: 8, type: 12, length: 16 } as const
export const iovec = { base: 0, bytes: 8, length: 16 } as const

/** struct sock_filter and struct sock_fprog, include/uapi/linux/filter.h. */
export const sockFilterLength = 8
export const sockFprog = { count: 0, filter: 8, length: 16 } as const

/** include/uapi/asm-generic/poll.h; struct pollfd is { int fd; short events; short revents }. */
export const POLLIN = 1
export const POLLOUT = 4
export const POLLERR = 8
export const pollfd = { fd: 0, events: 4, revents: 6, length: 8 } as const

/** include/uapi/asm-generic/mman-common.h */
export const PROT_READ = 1
export const PROT_WRITE = 2
export const MAP_SHARED = 0x01
export const MAP_PRIVATE = 0x02
export const MAP_FIXED = 0x10
export const MAP_ANONYMOUS = 0x20

/** include/uapi/asm-generic/mman-common.h: what is not written is read again from the file. */
export const MADV_DONTNEED = 4

/** include/uapi/linux/sockios.h; struct ifreq is 40 bytes: a 16-byte name, then a union. */
export const SIOCGIFFLAGS = 0x8913
export const SIOCGIFMTU = 0x8921
export const SIOCGIFHWADDR = 0x8927
export const ifreq = { name: 0, value: 16, length: 40 } as const

/** include/uapi/linux/if.h */
export const IFF_UP = 1

/** include/uapi/linux/if_arp.h: what a link carries. The loopback's frames have Ethernet headers too. */
export const ARPHRD_ETHER = 1
export const ARPHRD_LOOPBACK = 772

/** include/uapi/linux/eventfd.h */
export const EFD_CLOEXEC = SOCK_CLOEXEC
export const EFD_NONBLOCK = SOCK_NONBLOCK
