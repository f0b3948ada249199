/** A client that sends bytes, not requests: over TLS, or over TCP where no TLS is wanted. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface RawExchange {
  readonly received: string
  /** Whether the other end closed within the time. */
  readonly closed: boolean
}

export interface RawOptions {
  readonly tls?: boolean
  readonly waitMs?: number
}

export async function openSocket(port: number, tls = true): Promise<Socket> {
  const socket: Socket = tls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connectTcp({ port, host: '127.0.0.1' })
  // What a server refuses it may refuse by a reset.
  socket.on('error', () => undefined)
  await new Promise<void>((resolve) => {
    socket.once(tls ? 'secureConnect' : 'connect', () => resolve())
    socket.once('close', () => resolve())
  })
  return socket
}

/** Sends all of it and listens until the other end closes or the time is over. */
export async function exchange(
  port: number,
  bytes: string | Buffer,
  { tls = true, waitMs = 1500 }: RawOptions = {},
): Promise<RawExchange> {
  const socket = await openSocket(port, tls)
  let received = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
  })
  socket.write(bytes)
  const closed = await closedWithin(socket, waitMs)
  socket.destroy()
  return { received, closed }
}

export function closedWithin(socket: Socket, ms: number): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(true)
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

/** Status lines of the answers in what was received. */
export const statuses = (received: string): number[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
