/** Builds frames for tests, field by field, and puts them into memory between canaries. Never imports the code under test but Memory. */
import { Memory } from '../../wire/memory.ts'
import { be16, be32, type PseudoHeader, pseudoHeaderBytes, referenceChecksum, type SuperFrame } from './reference.ts'

export type Extension = 'jumbo' | 'hopByHop' | 'routing' | 'destination' | 'authentication' | 'atomicFragment'

export interface FrameSpec {
  tags: readonly { tpid: number; tci: number }[]
  version: 4 | 6
  protocol: 6 | 17
  source: readonly number[]
  destination: readonly number[]
  sourcePort: number
  destinationPort: number
  identification: number
  /** Up to 40 bytes, a multiple of 4. */
  ipOptions: readonly number[]
  extensions: readonly Extension[]
  sequence: number
  flags: number
  /** Up to 40 bytes, a multiple of 4. */
  tcpOptions: readonly number[]
  payload: readonly number[]
  /** partial: what CHECKSUM_PARTIAL leaves; complete: right; or a value of one's own, network order. */
  checksum: 'partial' | 'complete' | number
  /** Bytes after the IP packet. */
  padding: readonly number[]
}

export const plainSpec: FrameSpec = {
  tags: [],
  version: 4,
  protocol: 6,
  source: [10, 0, 0, 1],
  destination: [10, 0, 0, 2],
  sourcePort: 40000,
  destinationPort: 443,
  identification: 0x1234,
  ipOptions: [],
  extensions: [],
  sequence: 1_000_000,
  flags: 0x18,
  tcpOptions: [],
  payload: [],
  checksum: 'complete',
  padding: [],
}

export const sourceV6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
export const destinationV6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
const finalDestination = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77]

const macs = [0x02, 0, 0, 0, 0, 0x0b, 0x02, 0, 0, 0, 0, 0x0a]

export function buildFrame(changes: Partial<FrameSpec>): SuperFrame {
  const spec = { ...plainSpec, ...changes }
  const link = [...macs, ...spec.tags.flatMap((tag) => [...be16(tag.tpid), ...be16(tag.tci)])]
  link.push(...be16(spec.version === 4 ? 0x0800 : 0x86dd))
  const transport = spec.protocol === 6 ? tcpHeader(spec) : udpHeader(spec)
  const l4Length = transport.length + spec.payload.length
  const ip = spec.version === 4 ? ipv4Header(spec, l4Length) : ipv6Header(spec, l4Length)
  const pseudo: PseudoHeader = {
    version: spec.version,
    source: spec.source,
    destination: spec.extensions.includes('routing') ? finalDestination : spec.destination,
    protocol: spec.protocol,
  }
  const field = spec.protocol === 6 ? 16 : 6
  transport.splice(field, 2, ...be16(checksumOf(spec, pseudo, transport, l4Length)))
  const l3 = link.length
  const l4 = l3 + ip.length
  return {
    bytes: [...link, ...ip, ...transport, ...spec.payload, ...spec.padding],
    l3,
    l4,
    headerLength: l4 + transport.length,
    pseudo,
    payload: spec.payload,
    jumbo: spec.extensions[0] === 'jumbo' ? l3 + 40 : -1,
    withoutChecksum: spec.protocol === 17 && spec.checksum === 0,
  }
}

function checksumOf(spec: FrameSpec, pseudo: PseudoHeader, transport: number[], l4Length: number): number {
  if (typeof spec.checksum === 'number') return spec.checksum
  const head = pseudoHeaderBytes(pseudo, l4Length)
  if (spec.checksum === 'partial') return 0xffff - referenceChecksum(head)
  const checksum = referenceChecksum([...head, ...transport, ...spec.payload])
  return checksum === 0 && spec.protocol === 17 ? 0xffff : checksum
}

function tcpHeader(spec: FrameSpec): number[] {
  const offset = (20 + spec.tcpOptions.length) / 4
  return [
    ...be16(spec.sourcePort),
    ...be16(spec.destinationPort),
    ...be32(spec.sequence),
    ...be32(77),
    ...[offset * 16, spec.flags],
    ...be16(502),
    ...[0, 0, 0, 0],
    ...spec.tcpOptions,
  ]
}

function udpHeader(spec: FrameSpec): number[] {
  return [...be16(spec.sourcePort), ...be16(spec.destinationPort), ...be16(8 + spec.payload.length), 0, 0]
}

/** A total length above 64 KiB is written as 0, as the kernel does. */
function ipv4Header(spec: FrameSpec, l4Length: number): number[] {
  const length = 20 + spec.ipOptions.length
  const total = length + l4Length
  const header = [
    ...[0x40 + length / 4, 0],
    ...be16(total > 0xffff ? 0 : total),
    ...be16(spec.identification),
    ...[0x40, 0, 64, spec.protocol, 0, 0],
    ...spec.source,
    ...spec.destination,
    ...spec.ipOptions,
  ]
  header.splice(10, 2, ...be16(referenceChecksum(header)))
  return header
}

const extensionNumber: Record<Extension, number> = {
  jumbo: 0,
  hopByHop: 0,
  routing: 43,
  atomicFragment: 44,
  authentication: 51,
  destination: 60,
}

function ipv6Header(spec: FrameSpec, l4Length: number): number[] {
  const chain = [...spec.extensions.map((name) => extensionNumber[name]), spec.protocol]
  const bodies = spec.extensions.map((name, i) => extensionBody(name, chain[i + 1]!))
  const payload = bodies.flat().length + l4Length
  if (spec.extensions[0] === 'jumbo') bodies[0]!.splice(4, 4, ...be32(payload))
  const told = spec.extensions[0] === 'jumbo' || payload > 0xffff ? 0 : payload
  return [0x60, 0, 0, 0, ...be16(told), chain[0]!, 64, ...spec.source, ...spec.destination, ...bodies.flat()]
}

function extensionBody(name: Extension, next: number): number[] {
  if (name === 'jumbo') return [next, 0, 0xc2, 4, 0, 0, 0, 0]
  if (name === 'routing') return [next, 2, 4, 1, 0, 0, 0, 0, ...finalDestination]
  if (name === 'authentication') return [next, 4, 0, 0, ...new Array<number>(20).fill(0x5c)]
  if (name === 'atomicFragment') return [next, 0, 0, 0, 1, 2, 3, 4]
  return [next, 1, 1, 12, ...new Array<number>(12).fill(0)]
}

export const canary = 0xa5

export interface Placed {
  memory: Memory
  /** Where the bytes start. */
  at: number
  length: number
  /** Free space, canaries too, after them. */
  outAt: number
}

/** Puts bytes into memory full of canaries, at an offset of the given remainder modulo 4, with `room` bytes after them. */
export function place(bytes: ArrayLike<number>, alignment = 0, room = 0): Placed {
  const at = 64 + alignment
  const outAt = at + bytes.length + 64
  const memory = new Memory(new ArrayBuffer(Math.ceil((outAt + room + 64) / 4) * 4))
  memory.u8.fill(canary)
  memory.u8.set(bytes, at)
  return { memory, at, length: bytes.length, outAt }
}

export function bytesAt(memory: Memory, at: number, length: number): number[] {
  return Array.from(memory.u8.subarray(at, at + length))
}

/** Whether everything outside [at, at + length) is still a canary. */
export function canariesAlive(memory: Memory, at: number, length: number): boolean {
  return memory.u8.every((byte, i) => (i >= at && i < at + length) || byte === canary)
}

/**
 * The same memory behind views that note each access to a byte outside the frame: what no canary can show, a read.
 */
export function guard(placed: Placed): { memory: Memory; outside: string[] } {
  const outside: string[] = []
  const note = (key: string, width: number): void => {
    const first = Number(key) * width
    if (first < placed.at || first + width > placed.at + placed.length) outside.push(`${width}@${first - placed.at}`)
  }
  const watch = <T extends object>(view: T, width: number): T =>
    new Proxy(view, {
      get(target, key) {
        if (typeof key === 'string' && /^-?\d+$/.test(key)) note(key, width)
        return Reflect.get(target, key, target)
      },
      set(target, key, value) {
        if (typeof key === 'string' && /^-?\d+$/.test(key)) note(key, width)
        return Reflect.set(target, key, value, target)
      },
    })
  /** A DataView's accessors take a byte's offset, and have their width in their name. */
  const watchView = (view: DataView<ArrayBuffer>): DataView<ArrayBuffer> =>
    new Proxy(view, {
      get(target, key) {
        const accessor = Reflect.get(target, key, target)
        const bits = /^[gs]et[A-Za-z]+?(\d+)$/.exec(String(key))?.[1]
        if (bits === undefined) throw new Error(`a guarded DataView has no ${String(key)}`)
        return (at: number, ...rest: unknown[]) => {
          const width = Number(bits) / 8
          note(String(at / width), width)
          return accessor.call(target, at, ...rest)
        }
      },
    })
  const { buffer, u8, u16, u32, view } = placed.memory
  return {
    memory: {
      buffer,
      sumStretch: undefined,
      copyStretch: undefined,
      u8: watch(u8, 1),
      u16: watch(u16, 2),
      u32: watch(u32, 4),
      view: watchView(view),
    },
    outside,
  }
}
