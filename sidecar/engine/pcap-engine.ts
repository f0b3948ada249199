/**
 * Engine `pcap`: libpcap through the package cap, one callback a packet; for kernels and sandboxes without the ring.
 *
 * libpcap hands over no virtio_net_hdr, so partial checksums and super-frames are inferred from the bytes
 * (frame/infer.ts says how surely). It puts VLAN tags back by itself.
 *
 * When the interface goes down or away while it is captured, cap ends the process by an assertion (cb_packets in its
 * binding.cc wants no error from uv_poll): the container is started again, and this engine then waits for the interface.
 */
import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { Memory } from '../../wire/memory.ts'
import { emptyParsedFrame, parseFrame } from '../../wire/parse.ts'
import { emptyVirtio } from '../../wire/virtio.ts'
import type { Direction } from '../capture/filter.ts'
import type { OwnTunnel } from '../capture/filter-parts.ts'
import { isOwnTunnel } from '../capture/own-tunnel.ts'
import type { Counters } from '../counters.ts'
import { inferVirtio } from '../frame/infer.ts'
import { interfaceIndex, interfaceIsUp, interfaceMtu } from '../linux/interface.ts'
import type { Cap, NativeModules } from '../linux/native-modules.ts'
import { readStatistics, requirePacketSocket } from '../linux/packet-socket.ts'
import type { Log } from '../log.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Engine, EngineState } from './engine.ts'

const absentWaitMs = 250
const lookMs = 500
const drainMs = 2_000

export interface PcapEngineOptions {
  readonly interface: string
  readonly direction: Direction
  readonly filter: string
  readonly native: NativeModules
  /** Bytes of libpcap's kernel buffer. */
  readonly bufferSize: number
  readonly memory: Memory
  /** Where a frame is put: `pipeline.headroom` bytes before it and `frameSpace` from it on are the engine's. */
  readonly frameAt: number
  readonly frameSpace: number
  readonly pipeline: Pipeline
  readonly pending: () => number
  readonly counters: Counters
  readonly log: Log
}

/** The user's expression in parentheses, and the direction by libpcap's own words. */
export function pcapExpression(filter: string, direction: Direction): string {
  const parts = []
  if (filter !== '') parts.push(`(${filter})`)
  if (direction !== 'both') parts.push(direction === 'in' ? 'inbound' : 'outbound')
  return parts.join(' and ')
}

export class PcapEngine implements Engine {
  readonly name = 'pcap'
  readonly #options: PcapEngineOptions
  readonly #virtio = emptyVirtio()
  readonly #parsed = emptyParsedFrame()
  readonly #statistics = { packets: 0, drops: 0, freezes: 0 }
  #cap: Cap | undefined
  #fd = -1
  #mtu = 0
  #stopping = false
  #own: OwnTunnel | undefined
  #state: EngineState

  constructor(options: PcapEngineOptions) {
    this.#options = options
    this.#state = { capturing: false, sentence: `starting to capture ${options.interface}` }
  }

  get state(): EngineState {
    return this.#state
  }

  /** Leaves out a new set of own packets, without losing any other. */
  exclude(own: OwnTunnel): void {
    this.#own = own
  }

  stop(): void {
    this.#stopping = true
  }

  async run(): Promise<void> {
    const { interface: name, log } = this.#options
    let missed = ''
    while (!this.#stopping) {
      const index = interfaceIndex(name)
      // libpcap opens no interface that is down.
      const up = interfaceIsUp(name)
      if (index === 0 || !up) {
        const how = index === 0 ? 'not there' : 'down'
        if (how !== missed) log.warn(`the interface ${name} is ${how}; waiting for it`)
        missed = how
        this.#state = { capturing: false, sentence: `waiting for the interface ${name}, which is ${how}` }
        await setTimeout(absentWaitMs)
        continue
      }
      try {
        this.#open()
      } catch (error) {
        // It may have gone between the look and the opening.
        if (interfaceIndex(name) === index && interfaceIsUp(name)) throw error
        continue
      }
      log.info(`capturing ${name} with the pcap engine: one packet at a time, repair inferred from the bytes`)
      while (!this.#stopping && interfaceIndex(name) === index) {
        this.#mtu = interfaceMtu(name)
        await setTimeout(lookMs)
      }
      this.#close()
      missed = ''
    }
    const deadline = performance.now() + drainMs
    while (this.#options.pending() > 0 && performance.now() < deadline) await setTimeout(1)
    this.#options.counters.dropped.shutdown += this.#options.pending()
  }

  #open(): void {
    const { interface: name, native, filter, direction, bufferSize, memory, frameAt, frameSpace } = this.#options
    requirePacketSocket()
    const cap = native.createCap()
    const before = new Set(readdirSync('/proc/self/fd'))
    cap.on('packet', (length, truncated) => this.#frame(length, truncated))
    this.#mtu = interfaceMtu(name)
    const linkType = cap.open(
      name,
      pcapExpression(filter, direction),
      bufferSize,
      Buffer.from(memory.buffer, frameAt, frameSpace),
    )
    if (linkType !== 'ETHERNET') {
      cap.close()
      throw new Error(`${name} does not carry Ethernet frames but ${linkType}, which VXLAN cannot`)
    }
    this.#cap = cap
    this.#fd = this.#packetSocketAmong(readdirSync('/proc/self/fd').filter((fd) => !before.has(fd)))
    this.#state = { capturing: true, sentence: `capturing ${name} with the pcap engine` }
  }

  /** cap does not tell what the kernel dropped; its socket does, found as the new descriptor that has such statistics. */
  #packetSocketAmong(descriptors: readonly string[]): number {
    for (const fd of descriptors.map(Number)) {
      try {
        readStatistics(fd, this.#statistics)
        return fd
      } catch {
        // Not a packet socket.
      }
    }
    return -1
  }

  #close(): void {
    this.readKernelCounters()
    this.#cap?.close()
    this.#cap = undefined
    this.#fd = -1
    this.#state = { capturing: false, sentence: `no longer capturing ${this.#options.interface}` }
  }

  #frame(length: number, truncated: boolean): void {
    const { memory, frameAt, pipeline } = this.#options
    if (this.#own) {
      parseFrame(memory, frameAt, length, this.#parsed)
      if (isOwnTunnel(memory, frameAt, length, this.#parsed, this.#own)) return
    }
    inferVirtio(memory, frameAt, length, this.#mtu, this.#virtio)
    pipeline.tick(performance.now())
    pipeline.frame(frameAt, length, this.#virtio, truncated)
    pipeline.flush()
  }

  readKernelCounters(): void {
    if (this.#fd < 0) return
    const { counters } = this.#options
    readStatistics(this.#fd, this.#statistics)
    counters.capturedFrames += this.#statistics.drops
    counters.dropped.ring_full += this.#statistics.drops
  }
}
