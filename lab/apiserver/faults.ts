/** What tests make go wrong on purpose. */
import type { Route, Verb } from './route.ts'

interface PlannedFailure {
  readonly status: number
  readonly verb: Verb | undefined
  left: number
}

export class Faults {
  delayMs = 0
  #failures: PlannedFailure[] = []
  #paused = false
  #resumed: (() => void)[] = []

  get paused(): boolean {
    return this.#paused
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    const waiting = this.#resumed
    this.#resumed = []
    for (const go of waiting) go()
  }

  failNext(status: number, times: number, verb?: Verb): void {
    this.#failures.push({ status, verb, left: times })
  }

  /** Resolves at once, unless the server is paused or slow. */
  async hold(): Promise<void> {
    if (this.#paused) await this.whenResumed()
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs))
  }

  whenResumed(): Promise<void> {
    return new Promise((resolve) => this.#resumed.push(resolve))
  }

  /** @returns the status to fail this request with */
  take(route: Route | undefined): number | undefined {
    const failure = this.#failures.find(({ verb }) => verb === undefined || verb === route?.verb)
    if (failure === undefined) return undefined
    failure.left -= 1
    if (failure.left <= 0) this.#failures = this.#failures.filter((other) => other !== failure)
    return failure.status
  }
}
