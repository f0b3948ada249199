/** Gives back what the C library's allocator keeps of freed memory: V8's compilers leave some megabytes of it. */
import * as libc from './libc.ts'

/** malloc_trim(3): whole pages that are free, in the arenas of all threads. */
export function releaseFreedMemory(): void {
  libc.mallocTrim?.(0)
}
