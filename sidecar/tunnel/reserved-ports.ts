/** Source ports for a tunnel that the kernel makes: held, so that no packet of the application carries one of them. */
import { SyscallError } from '../linux/errno.ts'
import { closeSocket } from '../linux/socket-options.ts'
import { bindPort, connectSocket, openTunnelSocket, pathMtu } from '../linux/udp-socket.ts'
import type { Target } from '../target/target.ts'

/** Above Linux' default ephemeral range, so that no socket of the application is in the way; within RFC 7348's 49152 to 65535. */
export const portRange = { first: 61_000, last: 65_535 } as const
const attempts = 32

export interface ReservedPorts {
  readonly first: number
  readonly count: number
  release(): void
}

/**
 * Binds neighbouring ports of both families, or of IPv4 alone where there is no IPv6.
 * @throws SyscallError where none of many tries finds free ones
 */
export function reservePorts(count: number, random: () => number = Math.random): ReservedPorts {
  const choices = portRange.last - portRange.first + 2 - count
  for (let attempt = 1; ; attempt++) {
    const first = portRange.first + Math.floor(random() * choices)
    const sockets: number[] = []
    try {
      for (let port = first; port < first + count; port++) {
        hold(4, port, sockets)
        hold(6, port, sockets)
      }
      return { first, count, release: () => sockets.splice(0).forEach(closeSocket) }
    } catch (error) {
      sockets.forEach(closeSocket)
      if (attempt === attempts || !(error instanceof SyscallError)) throw error
    }
  }
}

function hold(family: 4 | 6, port: number, sockets: number[]): void {
  let fd: number
  try {
    fd = openTunnelSocket(family)
  } catch (error) {
    if (family === 6 && error instanceof SyscallError) return
    throw error
  }
  sockets.push(fd)
  const errno = bindPort(fd, family, port)
  if (errno !== 0) throw new SyscallError('bind', errno, `cannot hold UDP port ${port}`)
}

/** The MTU of the way to a target, asked anew each time. @throws SyscallError where there is no way */
export function probePath(target: Target, port: number): number {
  const fd = openTunnelSocket(target.family)
  try {
    const errno = connectSocket(fd, target.family, target.address, port)
    if (errno !== 0) throw new SyscallError('connect', errno, `cannot reach ${target.address}`)
    return pathMtu(fd, target.family)
  } finally {
    closeSocket(fd)
  }
}
