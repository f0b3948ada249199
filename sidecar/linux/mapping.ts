/**
 * Memory that the kernel reads and writes on our behalf while we run: the capture ring, message headers, scratch.
 * It is mapped by us, page-aligned and never moved by a garbage collector.
 */
import { Memory } from '../../wire/memory.ts'
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from './abi.ts'
import { SyscallError } from './errno.ts'
import * as libc from './libc.ts'

/** mmap(2) reports failure as (void *) -1, which a uintptr_t shows as 2^64 - 1. */
const mapFailed = 2 ** 64 - 1

/**
 * The smallest that Linux has on x86-64 and arm64. Where pages are of 16 or 64 KiB the kernel rounds a mapping's length
 * up, for mmap and munmap alike; what must be whole pages everywhere, a ring and its blocks, is a multiple of 64 KiB.
 */
export const pageSize = 4096

/** One mapping and the views on it. The owner calls `unmap`, once, after the last use of `memory`. */
export interface Mapping {
  readonly address: number
  readonly length: number
  readonly memory: Memory
  unmap(): void
}

function map(address: number, length: number, flags: number, fd: number, purpose: string): number {
  const mapped = Number(libc.mmap(address, length, PROT_READ | PROT_WRITE, flags, fd, 0))
  if (mapped === mapFailed || mapped === -1)
    throw new SyscallError('mmap', libc.errno(), `cannot map ${length} bytes for ${purpose}`)
  return mapped
}

/** Zeroed anonymous memory. @param length bytes, a multiple of the page size */
export function mapAnonymous(length: number, purpose: string): Mapping {
  const address = map(0, length, MAP_PRIVATE | MAP_ANONYMOUS, -1, purpose)
  const memory = new Memory(libc.view(address, length))
  return { address, length, memory, unmap: () => void libc.munmap(address, length) }
}

/** A place for a socket's ring, followed by scratch memory. */
export interface RingPlace extends Mapping {
  /** Puts a socket's ring there. */
  attach(fd: number): void
  /** Takes it away again; the addresses and views stay valid and show zeroes. */
  detach(): void
}

/**
 * Reserves one stretch of addresses for a ring and scratch, so that captured and made-up bytes are offsets into one
 * Memory, which stays the same when the socket has to be opened anew.
 * @param ringLength what sockets' rx rings are set up with; packet_mmap() in net/packet/af_packet.c refuses any other
 */
export function reserveRing(ringLength: number, scratchLength: number): RingPlace {
  const whole = mapAnonymous(ringLength + scratchLength, 'the capture ring and scratch')
  return {
    ...whole,
    attach: (fd) => void map(whole.address, ringLength, MAP_SHARED | MAP_FIXED, fd, 'the capture ring'),
    detach: () =>
      void map(whole.address, ringLength, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, "the capture ring's place"),
  }
}
