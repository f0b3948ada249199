/** Staying small: what only starting and compiling needed is given back. */
import { residentBytes } from './linux/process-status.ts'
import { releaseFreedMemory } from './linux/release-heap.ts'
import { releaseProgramText } from './linux/release-text.ts'

/** Looks, one a second, until everything has run once, discovery and a first slice of packets included. */
const settledLooks = 2
/** What packets, metrics and discovery use of what was given back is mapped again within seconds, and is less. */
const slackBytes = 6 << 20
/** Looks: what comes back sooner, so many times in a row, is in use. */
const soonLooks = 10
const soonTimes = 30

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
  #slack = slackBytes
  #lastTime = 0
  #soon = 0

  constructor(resident: Resident) {
    this.#resident = resident
  }

  /** To be called once a second. */
  look(): void {
    if (++this.#looks < settledLooks) return
    const bytes = this.#resident.fileBytes()
    this.#least = Math.min(this.#least, bytes)
    if (bytes <= this.#least + this.#slack) return
    // With pages of 64 KiB, say, the packet path alone may need more than the slack: it is not to lose it each second.
    this.#soon = this.#looks - this.#lastTime <= soonLooks ? this.#soon + 1 : 0
    if (this.#soon > soonTimes) {
      this.#slack *= 2
      this.#soon = 0
    }
    this.#lastTime = this.#looks
    this.#resident.giveBack()
    this.#least = this.#resident.fileBytes()
  }
}
