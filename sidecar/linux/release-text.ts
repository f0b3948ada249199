/**
 * Gives back the pages of program text and constants that starting up and compiling needed.
 *
 * A third of Node's binary is resident after start, more once V8's compilers have run, and a small part of it is used by
 * the packet path. They are clean pages of a file: the kernel would drop them under memory pressure, in the middle of
 * traffic. Dropping them when they are no longer needed keeps the sidecar small in every pod, and leaves that much more
 * to the ring; what is used again is mapped again from the page cache, in milliseconds.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { MADV_DONTNEED } from './abi.ts'
import * as libc from './libc.ts'

export interface FileMapping {
  readonly start: number
  readonly length: number
  readonly path: string
}

/** A page that was written counts under the second too, or, once it is swapped out, under the third alone. */
const untouched = [/^Anonymous:\s+0 kB$/m, /^Private_Dirty:\s+0 kB$/m, /^Swap:\s+0 kB$/m]

/**
 * The mappings of /proc/PID/smaps (proc(5)) that are backed by a file, cannot be written, and hold no page that differs
 * from the file: of those alone, MADV_DONTNEED loses nothing (madvise(2)). Relocated constants (RELRO) count as
 * anonymous and are left alone.
 */
export function cleanFileMappings(smaps: string): FileMapping[] {
  const found: FileMapping[] = []
  for (const entry of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p [0-9a-f]+ [0-9a-f:]+ [1-9][0-9]*\s+(\/.*)$/m.exec(entry)
    if (!head || !untouched.every((line) => line.test(entry))) continue
    const start = Number.parseInt(head[1]!, 16)
    found.push({ start, length: Number.parseInt(head[2]!, 16) - start, path: head[3]! })
  }
  return found
}

/**
 * Best effort: where /proc/self/smaps cannot be read, the pages simply stay.
 *
 * Safety: the program's own file alone, which stays mapped as long as the process lives, and looked up each time. Any other
 * may be unmapped by then, and memory that is written to be in its place, of which MADV_DONTNEED would leave zeroes.
 */
export function releaseProgramText(): void {
  let smaps: string
  let program: string
  try {
    program = readlinkSync('/proc/self/exe')
    smaps = readFileSync('/proc/self/smaps', 'latin1')
  } catch {
    return
  }
  for (const { start, length, path } of cleanFileMappings(smaps)) {
    if (path === program) libc.madvise(start, length, MADV_DONTNEED)
  }
}
