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
import { SyscallError } from '../linux/errno.ts'
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
  /** Datagrams that the kernel took, and that it had no way for, since the last `refresh`. */
  taken = 0
  refused = 0
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
    this.learnMtu()
  }

  #layOut(bucket: number, index: number): void {
    const message = bucket * bucketLength + index * messageStride
    const vectors = bucket * bucketLength + batchLength * messageStride + index * vectorsStride
    writeAddress(this.#memory, message + mmsghdr.iov, this.#mapping.address + vectors)
  }

  refresh(): void {
    this.learnMtu()
    this.taken = 0
    this.refused = 0
  }

  learnMtu(): void {
    this.mtu = pathMtu(this.sockets[0]!, this.target.family)
  }

  /**
   * Nothing got through since the last `refresh`. A connected socket keeps the source address that it chose first, so
   * when the interface's address is another one now, only new sockets will do.
   */
  get dead(): boolean {
    return this.refused > 0 && this.taken === 0
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
  try {
    for (let index = 0; index < socketsPerTarget; index++) {
      const fd = openTunnelSocket(target.family)
      sockets.push(fd)
      if (choice.mark !== 0) check('setsockopt SO_MARK', markSocket(fd, choice.mark))
      check('bind', bindPort(fd, target.family, choice.firstPort + index))
      check('connect', connectSocket(fd, target.family, target.address, port))
    }
    return { ok: true, path: new TunnelPath(target, sockets) }
  } catch (error) {
    sockets.forEach(closeSocket)
    if (!(error instanceof SyscallError)) throw error
    return { ok: false, reason: `${error.syscall}: ${error.code}`, portTaken: error.syscall === 'bind' }
  }
}

function check(call: string, errno: number): void {
  if (errno !== 0) throw new SyscallError(call, errno, 'cannot prepare a tunnel socket')
}
