/** Staying small: what only starting and compiling needed is given back. */
import { residentBytes } from './linux/process-status.ts'
import { releaseFreedMemory } from './linux/release-heap.ts'
import { releaseProgramText } from './linux/release-text.ts'

/** Looks, one a second, until everything has run once, discovery and a first slice of packets included. */
const settledLooks = 2
/** What packets, metrics and discovery use of what was given back is mapped again within seconds, and is less. */
const slackBytes = 6 << 20

export interface Resident {
  /** Bytes of files in memory, the ring's included; 0 where the kernel does not tell. */
  fileBytes(): number
  giveBack(): void
}

export const ownMemory: Resident = {
  fileBytes: () => residentBytes('RssFile'),
  giveBack: () => {
    releaseProgramText()
    releaseFreedMemory()
  },
}

/**
 * Traffic that begins or changes is compiled anew, and the compilers' text stays resident: what has grown since it was
 * given back last is looked at, not the time, so that a sidecar at rest is left alone.
 */
export class Footprint {
  readonly #resident: Resident
  #looks = 0
  #least = 0

  constructor(resident: Resident) {
    this.#resident = resident
  }

  /** To be called once a second. */
  look(): void {
    if (++this.#looks < settledLooks) return
    const bytes = this.#resident.fileBytes()
    this.#least = Math.min(this.#least, bytes)
    if (bytes <= this.#least + slackBytes) return
    this.#resident.giveBack()
    this.#least = this.#resident.fileBytes()
  }
}
