/** Connected UDP sockets for the tunnel: udp(7), ip(7), ipv6(7). */
import { isIP } from 'node:net'
import {
  AF_INET,
  AF_INET6,
  IP_MTU,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_DONT,
  IP_RECVERR,
  IPV6_MTU,
  IPV6_RECVERR,
  IPV6_V6ONLY,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  POLLOUT,
  pollfd,
  SO_MARK,
  SO_NO_CHECK,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_UDP,
  sockaddrIn,
  sockaddrIn6,
  UDP_SEGMENT,
} from './abi.ts'
import { SyscallError } from './errno.ts'
import * as libc from './libc.ts'
import { mapAnonymous, pageSize } from './mapping.ts'
import { getOption, setOption, tryOption } from './socket-options.ts'

/** The sixteen bytes of an IPv6 literal, or the four of an IPv4 one. @throws RangeError for anything else */
export function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.'), Number)
  if (isIP(address) !== 6) throw new RangeError(`not an IP address: ${JSON.stringify(address)}`)
  const [plain] = address.split('%')
  // The URL parser normalises every form of IPv6 literal (RFC 4291 2.2), embedded IPv4 included.
  const canonical = new URL(`http://[${plain}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >>> 8, Number.parseInt(group, 16) & 0xff]),
  )
}

function socketAddress(family: 4 | 6, address: Uint8Array | undefined, port: number): Buffer {
  const shape = family === 4 ? sockaddrIn : sockaddrIn6
  const bytes = Buffer.alloc(shape.length)
  bytes.writeUInt16LE(family === 4 ? AF_INET : AF_INET6, shape.family)
  bytes.writeUInt16BE(port, shape.port)
  if (address) bytes.set(address, shape.address)
  return bytes
}

/**
 * Opens a UDP socket for tunnel datagrams, not yet bound.
 *
 * - IPv4 datagrams never carry DF: one that a router finds too large is fragmented and not lost.
 * - Errors are queued (IP_RECVERR): without it the kernel hides from the sender that a device's queue dropped the
 *   datagram (udp_send_skb in net/ipv4/udp.c turns ENOBUFS into success).
 */
export function openTunnelSocket(family: 4 | 6): number {
  const fd = libc.socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) throw new SyscallError('socket', libc.errno(), `cannot open an IPv${family} UDP socket`)
  try {
    configure(fd, family)
    return fd
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

function configure(fd: number, family: 4 | 6): void {
  setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR')
  // Best effort: the kernel caps it at net.core.wmem_max.
  tryOption(fd, SOL_SOCKET, SO_SNDBUF, 4 << 20)
  if (family === 4) {
    setOption(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, 'IP_MTU_DISCOVER')
    setOption(fd, SOL_IP, IP_RECVERR, 1, 'IP_RECVERR')
  } else {
    setOption(fd, SOL_IPV6, IPV6_V6ONLY, 1, 'IPV6_V6ONLY')
    setOption(fd, SOL_IPV6, IPV6_RECVERR, 1, 'IPV6_RECVERR')
  }
}

/**
 * No outer checksum any more, over IPv4 only (RFC 7348 section 5: SHOULD be zero). Over IPv6 receivers discard a zero
 * unless told otherwise (RFC 6935).
 */
export function leaveOutChecksum(fd: number): void {
  setOption(fd, SOL_SOCKET, SO_NO_CHECK, 1, 'SO_NO_CHECK')
}

/** Whether the kernel knows UDP_SEGMENT. One that does not would ignore it in a message, and send one large datagram. */
export function canSegment(fd: number): boolean {
  return getOption(fd, SOL_UDP, UDP_SEGMENT) >= 0
}

/** Marks everything that the socket sends; 0, or the errno: EPERM before Linux 5.17 without NET_ADMIN. */
export function markSocket(fd: number, mark: number): number {
  return tryOption(fd, SOL_SOCKET, SO_MARK, mark)
}

/** Binds to a local port on every address; 0, or the errno. */
export function bindPort(fd: number, family: 4 | 6, port: number): number {
  const address = socketAddress(family, undefined, port)
  return libc.bind(fd, address, address.length) < 0 ? libc.errno() : 0
}

/** Fixes the peer, so that the route is looked up once and ICMP errors come back; 0, or the errno. */
export function connectSocket(fd: number, family: 4 | 6, peer: string, port: number): number {
  const address = socketAddress(family, addressBytes(peer), port)
  return libc.connect(fd, address, address.length) < 0 ? libc.errno() : 0
}

/** The MTU of the path that a connected socket uses, in bytes of IP packet; 0 when the kernel does not know it. */
export function pathMtu(fd: number, family: 4 | 6): number {
  return Math.max(0, family === 4 ? getOption(fd, SOL_IP, IP_MTU) : getOption(fd, SOL_IPV6, IPV6_MTU))
}

/** Sends messages from mapped memory; how many were taken, or -errno when the first was refused. */
export function sendMessages(fd: number, messagesAddress: number, count: number): number {
  const sent = libc.sendmmsg(fd, messagesAddress, count, MSG_DONTWAIT)
  return sent < 0 ? -libc.errno() : sent
}

const errorBytes = Buffer.alloc(64)

/** Empties the socket's queue of errors; how many there were. Their datagrams were sent before and are not ours to repeat. */
export function drainErrors(fd: number): number {
  let drained = 0
  while (drained < 1024 && libc.recv(fd, errorBytes, errorBytes.length, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) drained++
  return drained
}

const pollSpace = mapAnonymous(pageSize, 'poll(2)')

/** Waits, blocking, until the socket can take more; for a send buffer that is full, a few milliseconds at most. */
export function waitWritable(fd: number, timeoutMs: number): void {
  pollSpace.memory.u32[pollfd.fd >> 2] = fd
  pollSpace.memory.u32[pollfd.events >> 2] = POLLOUT
  libc.poll(pollSpace.address, 1, timeoutMs)
}

/** Sleeps, blocking: for a device queue that was full, where no descriptor tells when it has room again. */
export function pause(timeoutMs: number): void {
  libc.poll(pollSpace.address, 0, timeoutMs)
}
