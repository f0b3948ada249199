/**
 * Memory that the kernel reads and writes on our behalf while we run: the capture ring, message headers, scratch.
 * It is mapped by us, page-aligned and never moved by a garbage collector.
 */
import { Memory } from '../../wire/memory.ts'
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from './abi.ts'
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

/** mmap(2) for reading and writing. @param address 0 where the kernel may choose @returns the address */
export function map(address: number, length: number, flags: number, fd: number, purpose: string): number {
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
