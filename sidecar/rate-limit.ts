/** A token bucket: MAX_MBPS on average, a quarter of a second's worth at once. */
const burstSeconds = 0.25

export class RateLimit {
  readonly #bytesPerMs: number
  readonly #capacity: number
  #tokens: number
  #lastMs = Number.NaN

  /** @param megabitsPerSecond 10^6 bits */
  constructor(megabitsPerSecond: number) {
    this.#bytesPerMs = (megabitsPerSecond * 1e6) / 8 / 1000
    this.#capacity = this.#bytesPerMs * 1000 * burstSeconds
    this.#tokens = this.#capacity
  }

  refill(nowMs: number): void {
    if (nowMs > this.#lastMs)
      this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#lastMs) * this.#bytesPerMs)
    this.#lastMs = nowMs
  }

  /** Takes the tokens of one datagram where there are enough; a datagram passes whole or not at all. */
  take(bytes: number): boolean {
    if (this.#tokens < bytes) return false
    this.#tokens -= bytes
    return true
  }
}
