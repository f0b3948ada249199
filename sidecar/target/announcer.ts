/** The state of discovery, the targets that were handed over, and what has been said of both. */
import type { Log } from '../log.ts'
import type { DiscoveryState } from './discovery-options.ts'
import { sameTargets, type Target } from './target.ts'
import type { Clock } from './timing.ts'

export class Announcer {
  readonly #onTargets: (targets: readonly Target[]) => void
  readonly #log: Log
  readonly #clock: Clock
  #state: DiscoveryState
  #targets: readonly Target[] = []
  #silent = false

  constructor(onTargets: (targets: readonly Target[]) => void, log: Log, clock: Clock) {
    this.#onTargets = onTargets
    this.#log = log
    this.#clock = clock
    this.#state = { kind: 'starting', sentence: 'looking for the sensor', since: clock.now() }
  }

  get state(): DiscoveryState {
    return this.#state
  }

  get targets(): readonly Target[] {
    return this.#targets
  }

  /** Nothing leaves any more. */
  silence(): void {
    this.#silent = true
  }

  /** @returns whether they are others than before */
  hand(targets: readonly Target[]): boolean {
    if (this.#silent || sameTargets(this.#targets, targets)) return false
    this.#targets = targets
    try {
      this.#onTargets(targets)
    } catch (error) {
      this.#log.error(`the targets could not be taken over: ${error instanceof Error ? error.message : String(error)}`)
    }
    return true
  }

  /** A new kind of state is said aloud, once; a change within one only where it matters. */
  enter(kind: DiscoveryState['kind'], sentence: string, matters = false): void {
    if (this.#silent) return
    const changed = kind !== this.#state.kind
    if (!changed && sentence === this.#state.sentence) return
    this.#state = { kind, sentence, since: changed ? this.#clock.now() : this.#state.since }
    if (!changed && !matters) this.#log.debug(sentence)
    else if (kind === 'found' || kind === 'static') this.#log.info(sentence)
    else this.#log.warn(sentence)
  }
}
