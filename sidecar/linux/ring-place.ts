/**
 * Where the capture ring is mapped: over the pages of a WebAssembly memory, so that functions of vector instructions
 * sum a frame and copy headers where the kernel put them, and JavaScript sees the same bytes. Where that is refused, over memory of ours.
 */
import { type CopyStretch, Memory, type SumStretch } from '../../wire/memory.ts'
import { copyModule } from '../simd/copy-module.ts'
import { sumModule } from '../simd/sum-module.ts'
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED } from './abi.ts'
import * as libc from './libc.ts'
import { type Mapping, map, mapAnonymous, pageSize } from './mapping.ts'

/** A place for a socket's ring, followed by scratch memory. */
export interface RingPlace extends Mapping {
  /** Why checksums of it are summed in JavaScript; undefined where they are not. */
  readonly obstacle: string | undefined
  /** Puts a socket's ring there. */
  attach(fd: number): void
  /** Takes it away again; the addresses and views stay valid and show zeroes. */
  detach(): void
}

/** The part of WebAssembly's JavaScript interface that is used here; missing where Node runs with --jitless. */
interface WebAssemblyInterface {
  readonly Memory: new (descriptor: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> }
}

const wasmPageSize = 64 << 10

/** Zeroed memory in the place of what is at an address. */
function mapZeroes(address: number, length: number, purpose: string): void {
  map(address, length, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, purpose)
}

/**
 * Safety: pages are replaced under a live WebAssembly memory, whose owner is V8.
 * - The memory has `maximum` = `initial`: nobody can grow, and so move, it.
 * - Only whole pages inside of it are replaced, always by pages that can be read and written, never by a hole.
 * - `memory` keeps it alive, and `unmap` leaves it with memory of its own kind; V8 gives the addresses back itself.
 * @throws Error where WebAssembly, its vector instructions or the mapping are refused
 */
function mapInWasm(length: number, purpose: string): Mapping {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyInterface }
  if (WebAssembly === undefined) throw new Error('there is no WebAssembly')
  // One page more: the function reads past a stretch's end.
  const pages = Math.ceil(length / wasmPageSize) + 1
  const wasmMemory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const { buffer } = wasmMemory
  const exported = (module: Uint8Array<ArrayBuffer>) =>
    new WebAssembly.Instance(new WebAssembly.Module(module), { ring: { memory: wasmMemory } }).exports
  const sum = exported(sumModule)['sum'] as SumStretch
  const copy = exported(copyModule)['copy'] as CopyStretch
  const address = libc.addressOf(buffer)
  if (address % pageSize !== 0 || !isAt(buffer, address)) throw new Error('the address of its memory is not known')
  mapZeroes(address, length, purpose)
  const memory = new Memory(buffer, { sum, copy })
  return { address, length, memory, unmap: () => mapZeroes(address, length, purpose) }
}

/** Whether the bytes there are the buffer's, also when it changes. */
function isAt(buffer: ArrayBuffer, address: number): boolean {
  const mark = Buffer.from(buffer, 0, 16)
  for (const value of [0xa5, 0x5a, 0]) {
    if (libc.memcmp(address, Buffer.alloc(mark.length, mark.fill(value)), mark.length) !== 0) return false
  }
  return true
}

/**
 * Reserves one stretch of addresses for a ring and scratch, so that captured and made-up bytes are offsets into one
 * Memory, which stays the same when the socket has to be opened anew.
 * @param ringLength what sockets' rx rings are set up with; packet_mmap() in net/packet/af_packet.c refuses any other
 */
export function reserveRing(ringLength: number, scratchLength: number): RingPlace {
  const length = ringLength + scratchLength
  const purpose = 'the capture ring and scratch'
  let whole: Mapping
  let obstacle: string | undefined
  try {
    whole = mapInWasm(length, purpose)
  } catch (error) {
    obstacle = error instanceof Error ? error.message : String(error)
    whole = mapAnonymous(length, purpose)
  }
  const { address } = whole
  return {
    ...whole,
    obstacle,
    attach: (fd) => void map(address, ringLength, MAP_SHARED | MAP_FIXED, fd, 'the capture ring'),
    detach: () => mapZeroes(address, ringLength, "the capture ring's place"),
  }
}
