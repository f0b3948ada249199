/**
 * Writes the inner frames to a pcapng file, one interface for each pair of VNI and outer source, so that the file says
 * which tap saw a frame. Blocks are built in one buffer that is reused: nothing is allocated per frame.
 *
 * The time of a frame is when this program read it, in nanoseconds: VXLAN carries none.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Memory } from '../wire/memory.ts'
import { pcapngHeader } from '../wire/pcap.ts'
import { peerText } from './address-text.ts'

const bufferBytes = 1 << 20
/** Enhanced packet block (draft-ietf-opsawg-pcapng section 4.3), offsets. */
const field = {
  type: 0,
  length: 4,
  interface: 8,
  timeHigh: 12,
  timeLow: 16,
  captured: 20,
  original: 24,
  data: 28,
} as const
const enhancedPacket = 6
const blockOverhead = field.data + 4
/** Tunnels beyond this share one interface, so that spoofed sources cannot fill the memory or the file. */
const maxInterfaces = 1024
/** A clock that was set is followed at the next flush; less than this is measuring error. */
const clockStepMs = 50

export interface Capture {
  /** How the operator knows the file. */
  readonly shown: string
  /** Frames so far. */
  readonly frames: number
  /** @throws Error with a sentence when the file cannot be written */
  frame(memory: Memory, at: number, length: number, vni: number, peer: string): void
  flush(): void
  close(): void
}

/** Writes all of the bytes. */
export type Write = (bytes: Uint8Array) => void

/** Wall-clock time without allocation. */
export interface Clock {
  /** Milliseconds since 1970 at a moment of the past; whole. */
  originMs: number
  /** Milliseconds since that moment, with a fraction. */
  sinceOriginMs(): number
}

/** @param path `-` is standard output. @throws Error with a sentence when it cannot be created */
export function openCapture(path: string): Capture {
  const shown = path === '-' ? 'standard output' : path
  const fd = path === '-' ? process.stdout.fd : sentenced(shown, () => openSync(path, 'w'))
  const write = (bytes: Uint8Array) => sentenced(shown, () => writeAll(fd, bytes))
  const close = () => (path === '-' ? undefined : closeSync(fd))
  return new PcapngCapture(shown, write, close, systemClock())
}

function systemClock(): Clock {
  const fraction = performance.timeOrigin % 1
  return { originMs: Math.floor(performance.timeOrigin), sinceOriginMs: () => fraction + performance.now() }
}

export class PcapngCapture implements Capture {
  readonly shown: string
  frames = 0
  readonly #write: Write
  readonly #close: () => void
  readonly #clock: Clock
  readonly #buffer = new Uint8Array(bufferBytes)
  readonly #view = new DataView(this.#buffer.buffer)
  #used = 0
  /** Interface numbers by VNI, within outer source. */
  readonly #interfaces = new Map<string, Map<number, number>>()
  #interfaceCount = 0

  constructor(shown: string, write: Write, close: () => void, clock: Clock) {
    this.shown = shown
    this.#write = write
    this.#close = close
    this.#clock = clock
    // At once: a reader at the other end of a pipe waits for it.
    const header = pcapngHeader({ application: 'vxtap receive' })
    write(header.subarray(0, sectionLength(header)))
  }

  frame(memory: Memory, at: number, length: number, vni: number, peer: string): void {
    const number = this.#interfaces.get(peer)?.get(vni) ?? this.#addInterface(peer, vni)
    const padded = (length + 3) & ~3
    const blockLength = blockOverhead + padded
    if (this.#used + blockLength > bufferBytes) this.#writeOut()
    const view = this.#view
    const block = this.#used
    view.setUint32(block + field.type, enhancedPacket, true)
    view.setUint32(block + field.length, blockLength, true)
    view.setUint32(block + field.interface, number, true)
    this.#stamp(block)
    view.setUint32(block + field.captured, length, true)
    view.setUint32(block + field.original, length, true)
    this.#buffer.set(memory.u8.subarray(at, at + length), block + field.data)
    this.#buffer.fill(0, block + field.data + length, block + field.data + padded)
    view.setUint32(block + field.data + padded, blockLength, true)
    this.#used += blockLength
    this.frames++
  }

  flush(): void {
    this.#writeOut()
    const step = Date.now() - (this.#clock.originMs + this.#clock.sinceOriginMs())
    if (Math.abs(step) > clockStepMs) this.#clock.originMs += Math.round(step)
  }

  close(): void {
    try {
      this.#writeOut()
    } finally {
      this.#close()
    }
  }

  #writeOut(): void {
    if (this.#used === 0) return
    const bytes = this.#buffer.subarray(0, this.#used)
    this.#used = 0
    this.#write(bytes)
  }

  #addInterface(peer: string, vni: number): number {
    const others = this.#interfaceCount >= maxInterfaces
    const [source, tunnel] = others ? ['', -1] : [peer, vni]
    const known = this.#interfaces.get(source)?.get(tunnel)
    if (known !== undefined) return known
    const name = others ? 'other tunnels' : `vni ${vni} from ${peerText(peer)}`
    const header = pcapngHeader({ name })
    this.#writeOut()
    // What follows the section's block in a header is the description of its interface.
    this.#write(header.subarray(sectionLength(header)))
    const numbers = this.#interfaces.get(source) ?? new Map<number, number>()
    this.#interfaces.set(source, numbers.set(tunnel, this.#interfaceCount))
    return this.#interfaceCount++
  }

  /** Nanoseconds since 1970 pass 2^53: they are made in two halves instead of in a BigInt, which would allocate. */
  #stamp(block: number): void {
    const since = this.#clock.sinceOriginMs()
    const wholeMs = Math.floor(since)
    const ms = this.#clock.originMs + wholeMs
    const msHigh = Math.floor(ms / 65536)
    const low = (ms % 65536) * 1e6 + Math.floor((since - wholeMs) * 1e6)
    const mixed = msHigh * 1e6
    const lowPart = (mixed % 65536) * 65536 + low
    this.#view.setUint32(block + field.timeHigh, Math.floor(mixed / 65536) + Math.floor(lowPart / 0x1_0000_0000), true)
    this.#view.setUint32(block + field.timeLow, lowPart % 0x1_0000_0000, true)
  }
}

/** Length of the section header block that a pcapng file starts with. */
function sectionLength(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(4, true)
}

/** A pipe whose reader is slow is waited for: what the socket loses meanwhile is counted there. */
function writeAll(fd: number, bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

function sentenced<T>(shown: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why = code === 'EPIPE' ? 'its reader has gone' : (error as Error).message
    throw new Error(`cannot write the capture to ${shown}: ${why}`, { cause: error })
  }
}
