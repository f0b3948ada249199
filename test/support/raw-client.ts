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
  /** How many answers are waited for, however long they take, unless the other end closes. */
  readonly answers?: number
  /** How long is waited afterwards, for it to close or to answer what it was not asked. */
  readonly waitMs?: number
}

const patienceMs = 15_000

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

/** Sends all of it and listens for the answers, and for more of them. */
export async function exchange(
  port: number,
  bytes: string | Buffer,
  { tls = true, answers = 1, waitMs = 1000 }: RawOptions = {},
): Promise<RawExchange> {
  const socket = await openSocket(port, tls)
  let received = ''
  const { promise: answered, resolve } = Promise.withResolvers<void>()
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    if (statuses(received).length >= answers) resolve()
  })
  socket.write(bytes)
  if (answers > 0) await Promise.race([answered, closedWithin(socket, patienceMs)])
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
