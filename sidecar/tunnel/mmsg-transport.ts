/**
 * Datagrams by sendmmsg(2): one system call for up to 64 of them, from the socket that the flow hash picks.
 *
 * Errors are never fatal. Most belong to an earlier datagram (an ICMP error that came back) and merely take the place
 * of the next send: that datagram was not sent and is tried again. What stays refused is counted with its errno.
 */
import type { OwnTunnel } from '../capture/filter.ts'
import type { Counters } from '../counters.ts'
import { EAGAIN, EINTR, EMSGSIZE, ENOBUFS, EPERM, errnoName, SyscallError } from '../linux/errno.ts'
import { closeSocket } from '../linux/socket-options.ts'
import {
  addressBytes,
  drainErrors,
  markSocket,
  openTunnelSocket,
  pause,
  sendMessages,
  waitWritable,
} from '../linux/udp-socket.ts'
import type { Log } from '../log.ts'
import type { Target } from '../target/target.ts'
import { largestFrame } from './mtu.ts'
import { openPath, socketsPerTarget, type TunnelPath } from './path.ts'
import type { Transport } from './transport.ts'

/** 'vxtp' in ASCII: unlikely to be anybody else's, and no single bit that policy routing is wont to test. */
const ownMark = 0x76787470
/** Above Linux' default ephemeral range, so that no socket of the application is in the way; within RFC 7348's 49152 to 65535. */
const portRange = { first: 61_000, last: 65_535 - socketsPerTarget } as const
/** Tries for one datagram before it is given up: after an error of its own, and after errors of earlier datagrams. */
const ownTries = 3
const foreignTries = 64
const fullBufferWaitMs = 10
/** The most that may be spent waiting between two flushes: meanwhile the ring fills, and nothing else runs. */
const patienceMs = 20
const fullQueuePauseMs = 1

export interface MmsgOptions {
  readonly sensorPort: number
  readonly counters: Counters
  readonly log: Log
  /** Start of the memory that `add`'s offsets refer to. */
  readonly baseAddress: number
  readonly scratchLength: number
  /** Called when what the capture must leave out has changed. */
  readonly onOwnTunnel: (own: OwnTunnel) => void
  readonly random?: () => number
  /** False where marks must not be used, so that the fallback can be tested on any kernel. */
  readonly useMark?: boolean
}

export class MmsgTransport implements Transport {
  readonly scratchLength: number
  readonly #options: MmsgOptions
  readonly #mark: number
  readonly #firstPort: Record<4 | 6, number> = { 4: 0, 6: 0 }
  #paths: TunnelPath[] = []
  #targets: readonly Target[] = []
  #wanted: readonly Target[] = []
  /** Why targets cannot be sent to, as it was said, by key: each reason is said once. */
  #troubles = new Map<string, string>()
  #unfilteredSaid = ''
  #patience: number = patienceMs

  constructor(options: MmsgOptions) {
    this.#options = options
    this.scratchLength = options.scratchLength
    this.#mark = options.useMark === false ? 0 : this.#probeMark()
  }

  /** SO_MARK needs NET_ADMIN before Linux 5.17, NET_RAW since. */
  #probeMark(): number {
    const fd = openTunnelSocket(4)
    const errno = markSocket(fd, ownMark)
    closeSocket(fd)
    if (errno === 0) return ownMark
    const why = errno === EPERM ? 'this kernel wants NET_ADMIN for it' : errnoName(errno)
    this.#options.log.info(`own packets are told by address and port, not by mark (SO_MARK: ${why})`)
    return 0
  }

  setTargets(targets: readonly Target[]): void {
    this.flush()
    this.#wanted = targets
    const kept = new Map(this.#paths.map((path) => [path.target.key + path.target.address, path]))
    const paths: TunnelPath[] = []
    const troubles = new Map<string, string>()
    for (const target of targets) {
      const key = target.key + target.address
      const path = kept.get(key) ?? this.#open(target)
      kept.delete(key)
      if (typeof path === 'string') troubles.set(key, path)
      else {
        paths.push(path)
        if (this.#troubles.has(key)) this.#options.log.info(`can send to ${target.name} at ${target.address} now`)
      }
    }
    for (const path of kept.values()) path.close()
    this.#say(troubles)
    this.#sendBy(paths)
    try {
      this.#options.onOwnTunnel(this.ownTunnel())
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      this.#unfiltered(error)
    }
  }

  #sendBy(paths: TunnelPath[]): void {
    this.#paths = paths
    this.#targets = paths.map((path) => path.target)
  }

  #say(troubles: Map<string, string>): void {
    for (const [key, sentence] of troubles) {
      if (this.#troubles.get(key) !== sentence) this.#options.log.warn(`${sentence}; trying again each second`)
    }
    this.#troubles = troubles
  }

  /** The capture did not take the new exclusion. Without a mark it would mirror our own datagrams, each one again and again. */
  #unfiltered(error: SyscallError): void {
    const keepsSending = this.#mark !== 0 || this.#paths.length === 0
    const sentence = keepsSending
      ? error.message
      : `nothing is sent, since own packets could not be told: ${error.message}`
    if (sentence !== this.#unfilteredSaid) this.#options.log.error(sentence)
    this.#unfilteredSaid = sentence
    if (keepsSending) return
    for (const path of this.#paths) path.close()
    this.#sendBy([])
  }

  /** @returns the path, or the sentence that tells why there is none */
  #open(target: Target): TunnelPath | string {
    const random = this.#options.random ?? Math.random
    let reason = ''
    for (let attempt = 0; attempt < 32; attempt++) {
      if (this.#firstPort[target.family] === 0) {
        const { first, last } = portRange
        this.#firstPort[target.family] = first + Math.floor(random() * (last - first + 1))
      }
      const opened = openPath(target, this.#options.sensorPort, {
        firstPort: this.#firstPort[target.family],
        mark: this.#mark,
      })
      if (opened.ok) return opened.path
      reason = opened.reason
      // Ports that another target's sockets hold already are shared with them; a clash can only come from outside.
      if (!opened.portTaken || this.#paths.some((path) => path.target.family === target.family)) break
      this.#firstPort[target.family] = 0
    }
    return `cannot send to ${target.name} at ${target.address}: ${reason}`
  }

  /** Targets that a route was missing for are tried again, and so are those that nothing got through to. */
  refresh(): void {
    this.flush()
    const alive = this.#paths.filter((path) => !path.dead)
    if (alive.length < this.#paths.length) {
      for (const path of this.#paths) if (path.dead) path.close()
      this.#sendBy(alive)
    }
    if (this.#paths.length < this.#wanted.length) this.setTargets(this.#wanted)
    for (const path of this.#paths) path.refresh()
  }

  get targets(): readonly Target[] {
    return this.#targets
  }

  maxFrame(target: number): number {
    const path = this.#paths[target]!
    return largestFrame(path.mtu, path.target.family)
  }

  add(
    target: number,
    flow: number,
    headAt: number,
    headLength: number,
    payloadAt: number,
    payloadLength: number,
  ): void {
    const path = this.#paths[target]!
    const bucket = flow & (socketsPerTarget - 1)
    if (path.push(bucket, this.#options.baseAddress, headAt, headLength, payloadAt, payloadLength))
      this.#send(path, bucket)
  }

  flush(): void {
    for (const path of this.#paths) {
      for (let bucket = 0; bucket < socketsPerTarget; bucket++) {
        if (path.waiting[bucket] !== 0) this.#send(path, bucket)
      }
    }
    this.#patience = patienceMs
  }

  #send(path: TunnelPath, bucket: number): void {
    const counters = this.#options.counters
    const fd = path.sockets[bucket]!
    const count = path.waiting[bucket]!
    let done = 0
    let own = 0
    let foreign = 0
    while (done < count) {
      const sent = sendMessages(fd, path.messageAddress(bucket, done), count - done)
      if (sent > 0) {
        counters.sentFrames += sent
        path.taken += sent
        counters.sentBytes += path.bytesBetween(bucket, done, done + sent)
        done += sent
        own = 0
        foreign = 0
        continue
      }
      const errno = -sent
      if (errno === EINTR) continue
      counters.countSendError(errnoName(errno))
      if (drainErrors(fd) > 0 && foreign++ < foreignTries) continue
      if (++own < ownTries && this.#patience > 0) {
        this.#patience -= this.#makeRoom(path, fd, errno)
        continue
      }
      counters.dropped.send_error++
      // A full queue or buffer is no reason to open the sockets anew, nor is one large frame.
      if (errno !== EAGAIN && errno !== ENOBUFS && errno !== EMSGSIZE) path.refused++
      done++
      own = 0
      foreign = 0
    }
    path.waiting[bucket] = 0
  }

  /** Does what may let the next try succeed; the milliseconds that it may have taken. */
  #makeRoom(path: TunnelPath, fd: number, errno: number): number {
    if (errno === EAGAIN) {
      waitWritable(fd, fullBufferWaitMs)
      return fullBufferWaitMs
    }
    if (errno === ENOBUFS) {
      pause(fullQueuePauseMs)
      return fullQueuePauseMs
    }
    if (errno === EMSGSIZE) path.learnMtu()
    return 0
  }

  ownTunnel(): OwnTunnel {
    return {
      mark: this.#mark,
      sensorPort: this.#options.sensorPort,
      firstPort4: this.#firstPort[4],
      firstPort6: this.#firstPort[6],
      portCount: socketsPerTarget,
      addresses: this.#paths.map((path) => addressBytes(path.target.address)),
    }
  }

  pathMtus(): { name: string; mtu: number }[] {
    return this.#paths.map((path) => ({ name: path.target.name, mtu: path.mtu }))
  }

  close(): void {
    this.flush()
    for (const path of this.#paths) path.close()
    this.#sendBy([])
  }
}
