/**
 * How long discovery waits before its next request. Pure but for its count of failures, so that what ten thousand
 * sidecars do together can be worked out without any of them.
 *
 * What ends one sidecar's watch before its time (an API server that restarts, a load balancer that is replaced) has very
 * likely ended everybody's in the same moment. Each therefore comes back at a moment of its own.
 */
import type { ApiError } from './api-client.ts'
import type { WatchOutcome } from './pod-source.ts'
import { backOffMs, type Timing } from './timing.ts'

export class Patience {
  readonly #timing: Timing
  readonly #random: () => number
  #failures = 0
  #excused = false
  #trusting = false

  /** @param random 0 (inclusive) to 1 (exclusive) */
  constructor(timing: Timing, random: () => number) {
    this.#timing = timing
    this.#random = random
  }

  /**
   * Nothing has been refused since a watch worked. An API server that starts refuses for a moment what it allows as soon
   * as it has read its own rules: 403 from all of its clients, and 429 and 503 while its caches fill.
   */
  get trusting(): boolean {
    return this.#trusting
  }

  /** A watch that was open is over. @returns milliseconds */
  afterWatch({ lastedMs, askedMs, items, error }: WatchOutcome): number {
    // One that brought nothing and did not last is a failure however politely it ended, or we would spin.
    const worked = items > 0 || lastedMs >= this.#timing.shortWatchMs
    if (!worked || error?.result === 'garbled') return error === undefined ? this.#backOff() : this.afterRefusal(error)
    this.#failures = 0
    this.#excused = false
    this.#trusting = true
    // Those that end in their own time are spread already: each was asked for a time of its own.
    if (error === undefined && lastedMs >= askedMs * 0.9) return 0
    // Whoever fails now goes on from there: limits that start small again would undo the spreading.
    this.#failures = Math.max(0, Math.ceil(Math.log2(this.#timing.spreadMs / this.#timing.backOffBaseMs)))
    return this.#random() * this.#timing.spreadMs
  }

  /** A request was not granted. @returns milliseconds */
  afterRefusal(failure: ApiError): number {
    const { result } = failure
    const trusted = this.#trusting
    if (result !== 'unreachable') this.#trusting = false
    // Once, nothing is wrong with the API: a 410 is answered by a list, a 401 by reading the token again.
    const passing = result === 'gone' || result === 'unauthorized' || (result === 'forbidden' && trusted)
    if (!passing || this.#excused) return Math.max(this.#backOff(), this.#asked(failure))
    this.#excused = true
    // Tokens expire one by one; an API server that starts says the others to everybody at one moment.
    return result === 'unauthorized' ? 0 : this.#random() * this.#timing.spreadMs
  }

  /**
   * The server's own wish counts, but never for longer than we would wait by ourselves. It wishes the same of all whom
   * it refuses at one moment, so up to as much again is added.
   */
  #asked({ retryAfterMs }: ApiError): number {
    return Math.min(retryAfterMs * (1 + this.#random()), this.#timing.backOffCapMs)
  }

  #backOff(): number {
    const ms = backOffMs(this.#failures, this.#timing, this.#random)
    this.#failures += 1
    return ms
  }
}
