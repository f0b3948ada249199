/**
 * Engine `ring`: AF_PACKET with a TPACKET_V3 ring and PACKET_VNET_HDR, on the main thread, driven by poll(2).
 *
 * Under full load the event loop has its turn a hundred times a second, so that discovery and metrics go on. More often
 * costs twice: the turns themselves, and V8 compiling what they run, in milliseconds that the packets wait.
 *
 * A block goes back to the kernel only when its last datagram has been handed to the kernel. That is after each block:
 * what several hold no longer fits the CPU's cache when the kernel comes to copy it.
 */
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Memory } from '../../wire/memory.ts'
import { BlockReader } from '../capture/block-reader.ts'
import { buildFilter, type Direction, rejectAll } from '../capture/filter.ts'
import type { OwnTunnel } from '../capture/filter-parts.ts'
import { Ring } from '../capture/ring.ts'
import { RingAccount } from '../capture/ring-account.ts'
import type { Counters } from '../counters.ts'
import { SyscallError } from '../linux/errno.ts'
import { carriesEthernet, interfaceIndex } from '../linux/interface.ts'
import {
  attachFilter,
  bindToInterface,
  openPacketSocket,
  type RingShape,
  readStatistics,
} from '../linux/packet-socket.ts'
import type { RingPlace } from '../linux/ring-place.ts'
import { closeSocket, takeError } from '../linux/socket-options.ts'
import { Waiter } from '../linux/waiter.ts'
import type { Log } from '../log.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Engine, EngineState } from './engine.ts'
import { Pace } from './pace.ts'

/** The event loop's turn comes after this long at the latest. */
const turnMs = 10
const idleWaitMs = 1000
/** What is waited for on the event loop's own thread at a time. */
const briefWaitMs = 1
const absentWaitMs = 250
/**
 * A block is retired by a timer, in whole jiffies before Linux 6.18 (prb_setup_retire_blk_timer in
 * net/packet/af_packet.c): with HZ=100, 4 ms are 10, and one that has just been put off takes two.
 */
const leastQuietMs = 40
/** For frames that the kernel has counted and not handed over: its timer may be late on a node that is short of CPU. */
const mostQuietMs = 1000

export interface RingEngineOptions {
  readonly interface: string
  readonly direction: Direction
  readonly userProgram: Buffer | undefined
  readonly shape: RingShape
  readonly place: RingPlace
  readonly pipeline: Pipeline
  readonly counters: Counters
  readonly log: Log
}

export class RingEngine implements Engine {
  readonly name = 'ring'
  readonly #options: RingEngineOptions
  readonly #memory: Memory
  readonly #waiter = new Waiter()
  readonly #statistics = { packets: 0, drops: 0, freezes: 0 }
  readonly #account: RingAccount
  readonly #reader: BlockReader
  #fd = -1
  #stopping = false
  #draining = false
  #own: OwnTunnel | undefined
  #state: EngineState

  constructor(options: RingEngineOptions) {
    this.#options = options
    this.#memory = options.place.memory
    this.#account = new RingAccount(options.counters)
    this.#reader = new BlockReader(this.#memory, options.pipeline, this.#account, options.counters)
    this.#state = { capturing: false, sentence: `starting to capture ${options.interface}` }
  }

  get state(): EngineState {
    return this.#state
  }

  /** Leaves out a new set of own packets, without losing any other. */
  exclude(own: OwnTunnel): void {
    this.#own = own
    if (this.#fd >= 0 && !this.#draining) this.#attach()
  }

  #attach(): void {
    const { direction, userProgram } = this.#options
    if (this.#own) attachFilter(this.#fd, buildFilter(this.#own, direction, userProgram))
  }

  stop(): void {
    this.#stopping = true
    if (this.#fd >= 0) this.#drain()
    this.#waiter.wake()
  }

  /** Nothing more comes into the ring. */
  #drain(): void {
    this.#draining = true
    attachFilter(this.#fd, rejectAll())
  }

  async run(): Promise<void> {
    const { interface: name, log } = this.#options
    let missed = false
    let trouble = ''
    let captured = false
    while (!this.#stopping) {
      const index = interfaceIndex(name)
      if (index === 0) {
        if (!missed) log.warn(`there is no interface ${name} in this pod; waiting for it`)
        missed = true
        this.#state = { capturing: false, sentence: `waiting for the interface ${name}, which is not there` }
        await setTimeout(absentWaitMs)
        continue
      }
      try {
        this.#open(index)
      } catch (error) {
        // The interface may go between the look and the bind, and what could be captured once is worth another try.
        if (!(error instanceof SyscallError) || (error.code !== 'ENODEV' && !captured)) throw error
        if (error.message !== trouble) log.warn(`${error.message}; trying again`)
        trouble = error.message
        this.#state = { capturing: false, sentence: error.message }
        await setTimeout(absentWaitMs)
        continue
      }
      captured = true
      trouble = ''
      log.info(`capturing ${name} with the ring engine`)
      await this.#capture(index)
      this.#close()
      missed = false
    }
    this.#waiter.close()
  }

  #open(index: number): void {
    const { interface: name, shape, place } = this.#options
    if (!carriesEthernet(name)) throw new Error(`INTERFACE=${name} has no Ethernet frames, which VXLAN carries`)
    const fd = openPacketSocket(shape)
    this.#fd = fd
    this.#draining = false
    try {
      // Nothing may pass between bind and the real filter: reject all, bind, then replace.
      attachFilter(fd, rejectAll())
      place.attach(fd)
      bindToInterface(fd, index, name)
      this.#attach()
    } catch (error) {
      this.#close()
      throw error
    }
    this.#state = { capturing: true, sentence: `capturing ${name} with the ring engine` }
  }

  #close(): void {
    const { interface: name, place } = this.#options
    this.readKernelCounters()
    this.#account.abandon()
    place.detach()
    closeSocket(this.#fd)
    this.#fd = -1
    this.#state = { capturing: false, sentence: `no longer capturing ${name}` }
  }

  async #capture(index: number): Promise<void> {
    const { interface: name, shape, log } = this.#options
    const ring = new Ring(this.#memory, shape.blockSize, shape.blockCount)
    let quietSince = Number.POSITIVE_INFINITY
    let gone = false
    let looked = performance.now()
    const pace = new Pace(shape.blockCount, looked)
    while (true) {
      const before = performance.now()
      const blocks = this.#turn(ring, pace)
      if (ring.peek() >= 0) {
        await setImmediate()
        continue
      }
      if (this.#stopping || gone) {
        // The block that was being filled when the filter closed, or the interface went, comes at the latest after its
        // retire time. Quiet counts up to a moment before the look: what held us up since then may have hidden a block.
        if (blocks > 0 || quietSince === Number.POSITIVE_INFINITY) quietSince = performance.now()
        this.readKernelCounters()
        const quietMs = before - quietSince
        const enoughMs = this.#account.unread > 0 ? mostQuietMs : Math.max(3 * shape.retireMs, leastQuietMs)
        if (quietMs > enoughMs) break
        await setTimeout(shape.retireMs)
        continue
      }
      const failed = await this.#rest(pace.pauseMs())
      const now = performance.now()
      if (failed) takeError(this.#fd)
      // An interface that goes is reported as an error; one that was replaced before we looked is found here.
      if (failed || now - looked >= idleWaitMs) {
        looked = now
        if (!this.#stopping && interfaceIndex(name) !== index) {
          log.warn(`the interface ${name} was removed or replaced; opening it anew`)
          gone = true
          // Renamed, it may carry traffic for ever.
          this.#drain()
        }
      }
    }
  }

  /** Lets blocks come. @returns whether the socket reports an error */
  async #rest(pauseMs: number): Promise<boolean> {
    if (pauseMs === Number.POSITIVE_INFINITY) return this.#waiter.wait(this.#fd, idleWaitMs)
    // Blocks that no pause can be made for are waited for in the next turn: the way through another thread takes too long.
    await (pauseMs === 0 ? setImmediate() : setTimeout(pauseMs))
    return this.#waiter.waitHere(this.#fd, 0)
  }

  /**
   * Works blocks off for a turn at most: what is ready and, where no pause can be made, what comes meanwhile.
   * @returns how many
   */
  #turn(ring: Ring, pace: Pace): number {
    const end = performance.now() + turnMs
    let blocks = 0
    while (true) {
      const ready = this.#ready(ring, end)
      blocks += ready
      pace.came(ready)
      const now = performance.now()
      if (now >= end) return blocks
      pace.emptied(now)
      if (this.#stopping || pace.pauseMs() !== 0) return blocks
      // An error is found again after the rest.
      if (this.#waiter.waitHere(this.#fd, briefWaitMs)) return blocks
    }
  }

  /** Works off what is ready, until the time is over. @returns how many blocks */
  #ready(ring: Ring, end: number): number {
    const { pipeline } = this.#options
    let blocks = 0
    for (let block = ring.peek(); block >= 0; block = ring.peek()) {
      this.#reader.read(block, performance.now())
      pipeline.flush()
      ring.release()
      blocks++
      if (performance.now() >= end) break
    }
    return blocks
  }

  readKernelCounters(): void {
    if (this.#fd < 0) return
    readStatistics(this.#fd, this.#statistics)
    this.#account.add(this.#statistics)
  }
}
