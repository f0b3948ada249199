/**
 * The UDP socket, and what the kernel says of it.
 *
 * UDP_GRO is not asked for, so that each read is one datagram, also where the sender used UDP_SEGMENT (udp(7)).
 */
import type { Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import type { KernelLoss } from './kernel-loss.ts'
import { lossSince, readKernelLoss } from './kernel-loss.ts'
import type { SocketState } from './socket-loss.ts'
import { findSocket } from './socket-loss.ts'

export interface Listener {
  readonly socket: Socket
  /** `[::]:4789`, with the port that was really bound. */
  readonly shown: string
  /** Bytes of datagrams that the socket's buffer holds, the kernel's own overhead included. */
  readonly bufferBytes: number
  /** Undefined where the kernel does not tell. */
  state(): SocketState | undefined
  /** What the whole network namespace lost since the socket was bound; undefined where the kernel does not tell. */
  kernelLoss(): KernelLoss | undefined
}

/** Why listening failed, and whether that was for want of a privilege. */
export class ListenError extends Error {
  readonly permission: boolean
  constructor(message: string, permission: boolean) {
    super(message)
    this.permission = permission
  }
}

/**
 * @param address `::` takes IPv4 too (or alone, where the machine has no IPv6)
 * @throws ListenError with a sentence for the operator
 */
export async function listen(address: string, port: number, bufferBytes: number): Promise<Listener> {
  try {
    return await bind(address, port, bufferBytes)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EAFNOSUPPORT' && address === '::') return listen('0.0.0.0', port, bufferBytes)
    throw new ListenError(sentence(code ?? String(error), address, port), code === 'EACCES' || code === 'EPERM')
  }
}

function bind(address: string, port: number, bufferBytes: number): Promise<Listener> {
  const family = isIPv6(address) ? 'udp6' : 'udp4'
  const socket = createSocket({ type: family, recvBufferSize: bufferBytes })
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      // An error after the binding has closed the socket already.
      socket.removeAllListeners()
      reject(error)
    }
    socket.once('error', refuse)
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', refuse)
      const bound = socket.address().port
      const state = stateReader(family === 'udp6' ? '/proc/net/udp6' : '/proc/net/udp', bound)
      resolve({
        socket,
        shown: family === 'udp6' ? `[${address}]:${bound}` : `${address}:${bound}`,
        bufferBytes: socket.getRecvBufferSize(),
        state,
        kernelLoss: kernelLossReader(),
      })
    })
  })
}

function stateReader(table: string, port: number): () => SocketState | undefined {
  const inodes = ownSocketInodes()
  return () => {
    try {
      return findSocket(readFileSync(table, 'utf8'), port, (inode) => inodes.has(inode))
    } catch {
      return undefined
    }
  }
}

function kernelLossReader(): () => KernelLoss | undefined {
  const read = () => {
    try {
      const hasIpv6 = existsSync('/proc/net/snmp6')
      return readKernelLoss(
        readFileSync('/proc/net/snmp', 'utf8'),
        hasIpv6 ? readFileSync('/proc/net/snmp6', 'utf8') : '',
      )
    } catch {
      return undefined
    }
  }
  const atBind = read()
  return () => {
    const now = read()
    return now === undefined || atBind === undefined ? undefined : lossSince(now, atBind)
  }
}

/** Inodes of the sockets that this process holds, from the links in /proc/self/fd; empty where there is no /proc. */
function ownSocketInodes(): Set<string> {
  const inodes = new Set<string>()
  try {
    for (const name of readdirSync('/proc/self/fd')) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkTarget(`/proc/self/fd/${name}`))?.[1]
      if (inode !== undefined) inodes.add(inode)
    }
  } catch {
    // Not Linux: the loss is then reported as unknown.
  }
  return inodes
}

/** Empty where the descriptor has gone since the directory was read (the one that read it has). */
function linkTarget(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function sentence(code: string, address: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `cannot listen on UDP port ${port}: another program has it (ss -ulnp 'sport = ${port}' names it); stop that one, or choose another with --port`
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${address}: this machine has no such address; --address must be one of its own, or :: for all`
    case 'EINVAL':
      return `cannot listen on ${address}: a link-local address needs its interface, as in ${address}%eth0`
    case 'EACCES':
    case 'EPERM':
      return `cannot listen on UDP port ${port}: ports below net.ipv4.ip_unprivileged_port_start need the capability NET_BIND_SERVICE; choose a higher one with --port`
    default:
      return `cannot listen on ${address} port ${port}: ${code}`
  }
}
