/**
 * How long a capture ring may be left alone, from how fast its blocks came of late: steady traffic is met by a timer, which
 * costs less than being woken for each block, and what would fill the ring meanwhile is stayed awake for.
 */

const longestPauseMs = 4
const shortestPauseMs = 2
/** Part of the ring that may fill in a pause: traffic may get faster meanwhile, and the timer late. */
const pauseShare = 1 / 8
/** Over less, two blocks that happen to come together would pass for fast traffic. */
const shortestMeasureMs = 1
/** What is left of a rate after each measure: traffic that has just been fast may be so again within a pause. */
const rateMemory = 0.98

export class Pace {
  readonly #pausedBlocks: number
  #blocks = 0
  #since: number
  /** Blocks a millisecond, at most, of late. */
  #busiest = 0

  /** @param blockCount of the ring */
  constructor(blockCount: number, nowMs: number) {
    this.#pausedBlocks = blockCount * pauseShare
    this.#since = nowMs
  }

  came(blocks: number): void {
    this.#blocks += blocks
  }

  /** The ring has been found empty. */
  emptied(nowMs: number): void {
    const passed = nowMs - this.#since
    if (passed < shortestMeasureMs) return
    // One block may be a single packet, which the kernel's timer has handed over: no reason to stay awake in a small ring.
    const wakeful = this.#pausedBlocks * passed < shortestPauseMs
    if (this.#blocks === 1 && wakeful && passed <= longestPauseMs) return
    this.#busiest = Math.max(this.#blocks / passed, this.#busiest * rateMemory)
    this.#since = nowMs
    this.#blocks = 0
  }

  /** Milliseconds to let blocks come: 0 where none can be spared, Infinity where each block is best waited for. */
  pauseMs(): number {
    if (this.#busiest * longestPauseMs < 1) return Number.POSITIVE_INFINITY
    const room = this.#pausedBlocks / this.#busiest
    return room < shortestPauseMs ? 0 : Math.min(longestPauseMs, room)
  }
}
