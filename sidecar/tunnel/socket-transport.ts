/**
 * Datagrams by sendmmsg(2), from the socket that the flow hash picks; to each sensor in batches or one by one, as is
 * right for it. Keeps a path open to each target, and tells the capture what our own packets look like.
 */
import type { SidecarSettings } from '../../contract/sidecar-settings.ts'
import type { OwnTunnel } from '../capture/filter-parts.ts'
import type { Counters } from '../counters.ts'
import { EPERM, errnoName, SyscallError } from '../linux/errno.ts'
import { type Mapping, mapAnonymous, pageSize } from '../linux/mapping.ts'
import { closeSocket } from '../linux/socket-options.ts'
import { addressBytes, markSocket, openTunnelSocket } from '../linux/udp-socket.ts'
import type { Log } from '../log.ts'
import type { Target } from '../target/target.ts'
import { BatchList, listLength, singleShape } from './batch-list.ts'
import { batchMode } from './batch-mode.ts'
import { largestFrame } from './mtu.ts'
import { openPath, type TunnelPath } from './path.ts'
import { portRange } from './reserved-ports.ts'
import { Sender } from './sender.ts'
import type { PathState, Transport } from './transport.ts'

/** 'vxtp' in ASCII: unlikely to be anybody else's, and no single bit that policy routing is wont to test. */
const ownMark = 0x76787470
export interface SocketOptions {
  readonly sensorPort: number
  /** Source ports that flows are spread over; a power of two. */
  readonly portCount: number
  readonly batch: SidecarSettings['batch']
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

export class SocketTransport implements Transport {
  readonly scratchLength: number
  readonly #options: SocketOptions
  readonly #mark: number
  readonly #firstPort: Record<4 | 6, number> = { 4: 0, 6: 0 }
  #paths: TunnelPath[] = []
  #targets: readonly Target[] = []
  #wanted: readonly Target[] = []
  /** Why targets cannot be sent to, as it was said, by key: each reason is said once. */
  #troubles = new Map<string, string>()
  /** The same for how datagrams leave. */
  #modes = new Map<string, string>()
  #unfilteredSaid = ''
  readonly #bucketMask: number
  readonly #singles: Mapping
  readonly #sender: Sender

  constructor(options: SocketOptions) {
    this.#options = options
    this.scratchLength = options.scratchLength
    this.#mark = options.useMark === false ? 0 : this.#probeMark()
    this.#bucketMask = options.portCount - 1
    this.#singles = mapAnonymous(Math.ceil(listLength(singleShape) / pageSize) * pageSize, 'message headers')
    const { memory, address } = this.#singles
    this.#sender = new Sender(
      options.counters,
      new BatchList({ memory, address, at: 0 }, singleShape, options.baseAddress, 0),
    )
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
      const { batch } = batchMode(this.#options.batch, target)
      const known = kept.get(key)
      // A sensor that now says otherwise how it receives is sent to by new sockets.
      const path = known?.asked === batch ? known : this.#open(target)
      if (path === known) kept.delete(key)
      if (typeof path === 'string') troubles.set(key, path)
      else {
        paths.push(path)
        if (this.#troubles.has(key)) this.#options.log.info(`can send to ${target.name} at ${target.address} now`)
      }
    }
    for (const path of kept.values()) path.close()
    this.#say(troubles)
    this.#sayModes(paths)
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
        const choices = last - first + 2 - this.#options.portCount
        this.#firstPort[target.family] = first + Math.floor(random() * choices)
      }
      const opened = openPath(target, {
        sensorPort: this.#options.sensorPort,
        firstPort: this.#firstPort[target.family],
        portCount: this.#options.portCount,
        mark: this.#mark,
        mode: batchMode(this.#options.batch, target),
        baseAddress: this.#options.baseAddress,
        onBatchRefused: this.#batchRefused,
      })
      if (opened.ok) return opened.path
      reason = opened.reason
      // Ports that another target's sockets hold already are shared with them; a clash can only come from outside.
      if (!opened.portTaken || this.#paths.some((path) => path.target.family === target.family)) break
      this.#firstPort[target.family] = 0
    }
    return `cannot send to ${target.name} at ${target.address}: ${reason}`
  }

  /** How datagrams leave for each sensor, once unless it changes. */
  #sayModes(paths: readonly TunnelPath[]): void {
    const modes = new Map<string, string>()
    for (const { target, mode, batch } of paths) {
      // Of one that gave batches up it was said when it did.
      if (batch !== mode.batch) continue
      modes.set(target.key, `datagrams for ${target.name} leave by ${mode.batch}: ${mode.why}`)
    }
    for (const [key, sentence] of modes) {
      if (this.#modes.get(key) !== sentence) this.#options.log.info(sentence)
    }
    this.#modes = modes
  }

  readonly #batchRefused = (path: TunnelPath, errno: string, gaveUp: boolean): void => {
    this.#options.counters.countRefusedBatch(errno)
    if (!gaveUp) return
    // A path that is opened anew batches again, and says so.
    this.#modes.delete(path.target.key)
    this.#options.log.warn(
      `datagrams for ${path.target.name} leave by mmsg from now on: the kernel refuses batches of them (${errno})`,
    )
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

  get unsendable(): number {
    return this.#wanted.length - this.#targets.length
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
    const bucket = flow & this.#bucketMask
    const list = path.lists[bucket]!
    if (list.add(flow, headAt, headLength, payloadAt, payloadLength)) return
    this.#sender.send(path, path.sockets[bucket]!, list)
    list.add(flow, headAt, headLength, payloadAt, payloadLength)
  }

  flush(): void {
    for (const path of this.#paths) {
      for (let bucket = 0; bucket <= this.#bucketMask; bucket++) {
        const list = path.lists[bucket]!
        if (list.count !== 0) this.#sender.send(path, path.sockets[bucket]!, list)
      }
    }
    this.#sender.rest()
  }

  ownTunnel(): OwnTunnel {
    return {
      mark: this.#mark,
      sensorPort: this.#options.sensorPort,
      firstPort4: this.#firstPort[4],
      firstPort6: this.#firstPort[6],
      portCount: this.#options.portCount,
      addresses: this.#paths.map((path) => addressBytes(path.target.address)),
    }
  }

  paths(): PathState[] {
    return this.#paths.map(({ target, mtu, batch }) => ({ name: target.name, mtu, batch }))
  }

  close(): void {
    this.flush()
    for (const path of this.#paths) path.close()
    this.#sendBy([])
    this.#singles.unmap()
  }
}
