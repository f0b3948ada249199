/** TCP traffic between lab pods with known bytes, and the bytes that a capture shows of it. */
import { createHash, randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connectTcp, listenTcp, type Namespace } from './netns-sockets.ts'

export interface Transfer {
  readonly from: Namespace
  readonly to: Namespace
  readonly family: 4 | 6
  readonly address: string
  readonly port: number
  readonly bytes: number
  /** Bytes a second. */
  readonly pace: number
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Sends random bytes over one connection; resolves with their hash when the peer has read them all and closed. */
export async function transfer(plan: Transfer): Promise<string> {
  const server = await listenTcp(plan.to, plan.family, plan.port)
  const received = createHash('sha256')
  const finished = new Promise<void>((resolve, reject) => {
    server.once('connection', (socket: Socket) => {
      socket.on('data', (chunk) => received.update(chunk))
      socket.on('error', reject)
      socket.on('end', () => socket.end(resolve))
    })
  })
  const bytes = randomFillSync(Buffer.alloc(plan.bytes))
  const client = connectTcp(plan.from, plan.family, plan.address, plan.port, plan.pace)
  client.resume()
  client.end(bytes)
  await Promise.all([finished, once(client, 'close')])
  server.close()
  const sent = sha256(bytes)
  if (received.digest('hex') !== sent) throw new Error('TCP itself delivered other bytes than were sent')
  return sent
}

interface TcpSegment {
  readonly destinationPort: number
  readonly sequence: number
  readonly syn: boolean
  readonly payload: Buffer
}

/** A TCP segment of a frame without VLAN tags and extension headers; undefined for anything else. */
export function tcpSegment(frame: Buffer): TcpSegment | undefined {
  if (frame.length < 54) return undefined
  const isV4 = frame.readUInt16BE(12) === 0x0800
  if (!isV4 && frame.readUInt16BE(12) !== 0x86dd) return undefined
  if (frame[isV4 ? 23 : 20] !== 6) return undefined
  const tcp = isV4 ? 14 + (frame[14]! & 15) * 4 : 54
  const end = isV4 ? 14 + frame.readUInt16BE(16) : 54 + frame.readUInt16BE(18)
  return {
    destinationPort: frame.readUInt16BE(tcp + 2),
    sequence: frame.readUInt32BE(tcp + 4),
    syn: (frame[tcp + 13]! & 2) !== 0,
    payload: frame.subarray(tcp + (frame[tcp + 12]! >> 4) * 4, end),
  }
}

/**
 * The bytes that a connection carried towards a port, put together by sequence number.
 * @throws Error where a byte is missing
 */
export function streamTo(port: number, frames: readonly Buffer[], length: number): Buffer {
  const stream = Buffer.alloc(length)
  const segments = frames.map(tcpSegment).filter((segment) => segment?.destinationPort === port) as TcpSegment[]
  const start = segments.find((segment) => segment.syn)
  if (start === undefined) throw new Error(`no connection to port ${port} was opened`)
  const parts = segments
    .map((segment) => ({ at: (segment.sequence - start.sequence - 1) >>> 0, payload: segment.payload }))
    .filter(({ payload }) => payload.length > 0)
    .sort((a, b) => a.at - b.at)
  let reached = 0
  for (const { at, payload } of parts) {
    if (at > reached) throw new Error(`bytes ${reached} to ${at} of ${length} are missing`)
    stream.set(payload.subarray(0, Math.max(0, length - at)), at)
    reached = Math.max(reached, at + payload.length)
  }
  if (reached !== length) throw new Error(`${reached} bytes instead of ${length}`)
  return stream
}
