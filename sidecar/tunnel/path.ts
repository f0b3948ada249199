/**
 * One target's sockets, and the datagrams that wait for each.
 *
 * Sixteen sockets with neighbouring source ports: the symmetric flow hash picks the socket, so that both directions of a
 * flow leave from one port, in order, and a sensor with several workers can spread flows by the outer ports.
 * Each socket has its own list of messages, laid out once in mapped memory in the form that sendmmsg(2) takes; an entry
 * points into the capture ring (frames as they are) or into scratch (headers of segments) and never at a copy.
 */
import type { Memory } from '../../wire/memory.ts'
import { iovec, mmsghdr } from '../linux/abi.ts'
import { errnoName } from '../linux/errno.ts'
import { type Mapping, mapAnonymous } from '../linux/mapping.ts'
import { closeSocket } from '../linux/socket-options.ts'
import { bindPort, connectSocket, markSocket, openTunnelSocket, pathMtu } from '../linux/udp-socket.ts'
import type { Target } from '../target/target.ts'

export const socketsPerTarget = 16
/** Datagrams that one sendmmsg carries: beyond 64 the share of the call itself no longer shrinks measurably. */
const batchLength = 64
const messageStride = mmsghdr.length
const vectorsStride = 2 * iovec.length
const bucketLength = batchLength * (messageStride + vectorsStride)

export interface PortChoice {
  readonly firstPort: number
  readonly mark: number
}

export class TunnelPath {
  readonly target: Target
  readonly sockets: readonly number[]
  /** How many datagrams wait, by socket. */
  readonly waiting = new Int32Array(socketsPerTarget)
  mtu = 0
  readonly #mapping: Mapping
  readonly #memory: Memory

  constructor(target: Target, sockets: readonly number[]) {
    this.target = target
    this.sockets = sockets
    this.#mapping = mapAnonymous(socketsPerTarget * bucketLength, 'message headers')
    this.#memory = this.#mapping.memory
    for (let bucket = 0; bucket < socketsPerTarget; bucket++) {
      for (let index = 0; index < batchLength; index++) this.#layOut(bucket, index)
    }
    this.refresh()
  }

  #layOut(bucket: number, index: number): void {
    const message = bucket * bucketLength + index * messageStride
    const vectors = bucket * bucketLength + batchLength * messageStride + index * vectorsStride
    writeAddress(this.#memory, message + mmsghdr.iov, this.#mapping.address + vectors)
  }

  refresh(): void {
    this.mtu = pathMtu(this.sockets[0]!, this.target.family)
  }

  /** Queues a datagram of one or two pieces; true when the socket's list is full and must be sent. */
  push(
    bucket: number,
    base: number,
    headAt: number,
    headLength: number,
    payloadAt: number,
    payloadLength: number,
  ): boolean {
    const u32 = this.#memory.u32
    const index = this.waiting[bucket]!
    const start = bucket * bucketLength
    const vectors = (start + batchLength * messageStride + index * vectorsStride) >> 2
    const head = base + headAt
    u32[vectors] = head >>> 0
    u32[vectors + 1] = (head / 0x1_0000_0000) >>> 0
    u32[vectors + 2] = headLength
    if (payloadLength !== 0) {
      const payload = base + payloadAt
      u32[vectors + 4] = payload >>> 0
      u32[vectors + 5] = (payload / 0x1_0000_0000) >>> 0
      u32[vectors + 6] = payloadLength
    }
    u32[(start + index * messageStride + mmsghdr.iovCount) >> 2] = payloadLength === 0 ? 1 : 2
    this.waiting[bucket] = index + 1
    return index + 1 === batchLength
  }

  /** Address of a waiting message, for sendmmsg. */
  messageAddress(bucket: number, index: number): number {
    return this.#mapping.address + bucket * bucketLength + index * messageStride
  }

  /** Bytes of the datagrams from one index up to another. */
  bytesBetween(bucket: number, from: number, to: number): number {
    const u32 = this.#memory.u32
    let bytes = 0
    for (let index = from; index < to; index++) {
      const message = bucket * bucketLength + index * messageStride
      const vectors = (bucket * bucketLength + batchLength * messageStride + index * vectorsStride) >> 2
      bytes += u32[vectors + 2]!
      if (u32[(message + mmsghdr.iovCount) >> 2] === 2) bytes += u32[vectors + 6]!
    }
    return bytes
  }

  close(): void {
    this.sockets.forEach(closeSocket)
    this.#mapping.unmap()
  }
}

function writeAddress(memory: Memory, at: number, address: number): void {
  memory.u32[at >> 2] = address >>> 0
  memory.u32[(at >> 2) + 1] = (address / 0x1_0000_0000) >>> 0
}

export type Opened =
  | { readonly ok: true; readonly path: TunnelPath }
  | { readonly ok: false; readonly reason: string; readonly portTaken: boolean }

/** Opens, marks, binds and connects a target's sockets; all of them or none. */
export function openPath(target: Target, port: number, choice: PortChoice): Opened {
  const sockets: number[] = []
  const fail = (call: string, errno: number): Opened => {
    sockets.forEach(closeSocket)
    return { ok: false, reason: `${call}: ${errnoName(errno)}`, portTaken: call === 'bind' }
  }
  for (let index = 0; index < socketsPerTarget; index++) {
    const fd = openTunnelSocket(target.family)
    sockets.push(fd)
    if (choice.mark !== 0) {
      const errno = markSocket(fd, choice.mark)
      if (errno !== 0) return fail('setsockopt SO_MARK', errno)
    }
    const unbound = bindPort(fd, target.family, choice.firstPort + index)
    if (unbound !== 0) return fail('bind', unbound)
    const unconnected = connectSocket(fd, target.family, target.address, port)
    if (unconnected !== 0) return fail('connect', unconnected)
  }
  return { ok: true, path: new TunnelPath(target, sockets) }
}
