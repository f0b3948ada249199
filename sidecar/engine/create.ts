/** Chooses the engine and builds it with the memory, transport and pipeline that belong to it. */
import type { SidecarSettings } from '../../contract/sidecar-settings.ts'
import { Memory } from '../../wire/memory.ts'
import type { OwnTunnel } from '../capture/filter-parts.ts'
import type { Counters } from '../counters.ts'
import { SyscallError } from '../linux/errno.ts'
import { interfaceMtu } from '../linux/interface.ts'
import { loadNativeModules, type NativeModules } from '../linux/native-modules.ts'
import { openPacketSocket, type RingShape } from '../linux/packet-socket.ts'
import { compileFilter } from '../linux/pcap-compile.ts'
import { reserveRing } from '../linux/ring-place.ts'
import { closeSocket } from '../linux/socket-options.ts'
import type { Log } from '../log.ts'
import { headroom, Pipeline } from '../pipeline.ts'
import { RawTransport } from '../tunnel/raw-transport.ts'
import { SocketTransport } from '../tunnel/socket-transport.ts'
import type { Outlets } from '../tunnel/transport.ts'
import type { Engine } from './engine.ts'
import { KernelEngine } from './kernel-engine.ts'
import { PcapEngine } from './pcap-engine.ts'
import { RingEngine } from './ring-engine.ts'

const mebibyte = 1 << 20
/**
 * A super-frame of 64 KiB and its metadata must fit; BIG TCP's of up to 256 KiB less a little do as well. Larger blocks
 * leave less empty behind super-frames, but one is spent on each `retireMs` of the slightest traffic: times their number
 * that is how long the sidecar may be kept from its core.
 */
const blockSize = 256 << 10
/** A trade of latency for wake-ups: what waits longest in a block that does not fill. */
const retireMs = 4
const scratchLength = 256 << 10
/** Scratch heads start 2 modulo 4, so that the IP header inside is aligned. */
const scratchSkew = 2
const pcapFrameSpace = 256 << 10

export interface Capture {
  readonly engine: Engine
  readonly outlets: Outlets
}

export type Created =
  | { readonly ok: true; readonly capture: Capture }
  | { readonly ok: false; readonly problem: string }

export interface CreateOptions {
  readonly settings: SidecarSettings
  readonly counters: Counters
  readonly log: Log
  /** False where packets must not be marked, so that the fallback can be tested on any kernel. */
  readonly useMark: boolean
}

/** At least four blocks, however small the ring is asked for: the kernel fills one while we work on another. */
function ringShape(ringMib: number): RingShape {
  return { blockSize, blockCount: Math.max(4, (ringMib * mebibyte) / blockSize), retireMs }
}

/** Why the ring cannot be used here, or undefined. Lack of NET_RAW is no reason for another engine: none works without. */
function ringObstacle(shape: RingShape): string | undefined {
  try {
    closeSocket(openPacketSocket(shape))
    return undefined
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code === 'EPERM') return undefined
    return error.message
  }
}

export function createCapture(options: CreateOptions): Created {
  const { settings, log } = options
  let userProgram: Buffer | undefined
  if (settings.filter !== '') {
    const compiled = compileFilter(`(${settings.filter})`)
    if (!compiled.ok) {
      return {
        ok: false,
        problem: `FILTER=${JSON.stringify(settings.filter)} is not allowed: libpcap says "${compiled.reason}"; it must be a pcap-filter(7) expression, for example FILTER='not port 443'`,
      }
    }
    userProgram = compiled.program
  }
  if (settings.engine === 'kernel') return { ok: true, capture: kernelCapture(options, userProgram) }
  const shape = ringShape(settings.ringMib)
  const obstacle = settings.engine === 'pcap' ? undefined : ringObstacle(shape)
  if (settings.engine === 'ring' && obstacle !== undefined) {
    return { ok: false, problem: `ENGINE=ring cannot be used here: ${obstacle}; ENGINE=auto would fall back to pcap` }
  }
  if (settings.engine !== 'pcap' && obstacle === undefined)
    return { ok: true, capture: ringCapture(options, shape, userProgram) }
  const native = loadNativeModules()
  if (typeof native === 'string') {
    const before = obstacle === undefined ? '' : `the ring engine cannot be used here (${obstacle}), and `
    return { ok: false, problem: `ENGINE=${settings.engine}: ${before}the pcap engine is not available: ${native}` }
  }
  if (obstacle !== undefined) log.warn(`the ring engine cannot be used here (${obstacle}); using the pcap engine`)
  if (settings.batch !== 'auto')
    log.warn(`BATCH=${settings.batch} has no effect on the pcap engine, which sends datagrams one by one`)
  return { ok: true, capture: pcapCapture(options, native) }
}

function ringCapture(options: CreateOptions, shape: RingShape, userProgram: Buffer | undefined): Capture {
  const { settings, counters, log } = options
  const ringLength = shape.blockSize * shape.blockCount
  const place = reserveRing(ringLength, scratchLength)
  if (place.obstacle !== undefined) log.debug(`checksums are summed without vector instructions: ${place.obstacle}`)
  let engine: RingEngine | undefined
  const transport = new SocketTransport({
    sensorPort: settings.sensorPort,
    portCount: settings.sourcePorts,
    batch: settings.batch,
    counters,
    log,
    baseAddress: place.address,
    scratchLength: scratchLength - scratchSkew,
    useMark: options.useMark,
    onOwnTunnel: (own: OwnTunnel) => engine?.exclude(own),
  })
  const pipeline = new Pipeline(place.memory, ringLength + scratchSkew, transport, settings, counters)
  engine = new RingEngine({
    interface: settings.interface,
    direction: settings.direction,
    userProgram,
    shape,
    place,
    pipeline,
    counters,
    log,
  })
  engine.exclude(transport.ownTunnel())
  return { engine, outlets: transport }
}

function kernelCapture(options: CreateOptions, userProgram: Buffer | undefined): Capture {
  const { settings, counters, log } = options
  if (settings.batch !== 'auto')
    log.warn(`BATCH=${settings.batch} has no effect with ENGINE=kernel, which sends by itself`)
  const engine = new KernelEngine({ settings, userProgram, counters, log })
  return { engine, outlets: engine }
}

function pcapCapture(options: CreateOptions, native: NativeModules): Capture {
  const { settings, counters, log } = options
  const memory = new Memory(new ArrayBuffer(headroom + pcapFrameSpace + scratchLength))
  let engine: PcapEngine | undefined
  const transport = new RawTransport({
    memory,
    sensorPort: settings.sensorPort,
    native,
    counters,
    log,
    interfaceMtu: () => interfaceMtu(settings.interface),
    scratchLength: scratchLength - headroom,
    onOwnTunnel: (own) => engine?.exclude(own),
  })
  // The frame starts 2 modulo 4 as well: an Ethernet header is 14 bytes.
  const frameAt = headroom + scratchSkew
  const scratchAt = headroom + pcapFrameSpace + scratchSkew
  const pipeline = new Pipeline(memory, scratchAt, transport, settings, counters)
  engine = new PcapEngine({
    interface: settings.interface,
    direction: settings.direction,
    filter: settings.filter,
    native,
    bufferSize: settings.ringMib * mebibyte,
    memory,
    frameAt,
    frameSpace: pcapFrameSpace - scratchSkew,
    pipeline,
    pending: () => transport.pending,
    counters,
    log,
  })
  engine.exclude(transport.ownTunnel())
  return { engine, outlets: transport }
}
