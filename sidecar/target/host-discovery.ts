/** The sensor as a host name: resolved, and again every half minute; the last answer stays while there is none. */
import { isIP } from 'node:net'
import { Announcer } from './announcer.ts'
import type { Place } from './choose.ts'
import type { Discovery, DiscoveryOptions, DiscoveryState, Resolve } from './discovery-options.ts'
import { explainFound, meanwhile } from './explain.ts'
import { seedOf, type Target } from './target.ts'
import { backOffMs, type Clock, defaultTiming, systemClock, type Timing } from './timing.ts'

export class HostDiscovery implements Discovery {
  readonly #options: DiscoveryOptions
  readonly #host: string
  readonly #timing: Timing
  readonly #clock: Clock
  readonly #resolve: Resolve
  readonly #announcer: Announcer
  #stopped = false
  #failures = 0
  #cancel: (() => void) | undefined

  constructor(options: DiscoveryOptions, host: string) {
    this.#options = options
    this.#host = host
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#clock = options.clock ?? systemClock
    this.#resolve = options.resolve ?? systemResolve
    this.#announcer = new Announcer(options.onTargets, options.log, this.#clock)
  }

  get state(): DiscoveryState {
    return this.#announcer.state
  }

  start(): void {
    if (!this.#stopped && this.#cancel === undefined) void this.#round()
  }

  stop(): void {
    this.#stopped = true
    this.#announcer.silence()
    this.#cancel?.()
  }

  async #round(): Promise<void> {
    const { counters, place } = this.#options
    try {
      const answers = await this.#resolve(this.#host)
      counters.add('dns', 'ok')
      this.#answered(
        answers.map(({ address }) => address),
        { ...place },
      )
    } catch (error) {
      counters.add('dns', 'unreachable')
      this.#failures += 1
      const why = (error as NodeJS.ErrnoException).code ?? String(error)
      const sentence = `SENSOR=${this.#host} cannot be resolved (${why}); ${meanwhile(this.#announcer.targets)}`
      this.#announcer.enter('unreachable', sentence)
    }
    if (this.#stopped) return
    const known = this.#announcer.targets.length > 0
    const delayMs = known
      ? this.#timing.resolveEveryMs
      : Math.max(
          this.#timing.backOffBaseMs,
          backOffMs(this.#failures, this.#timing, this.#options.random ?? Math.random),
        )
    this.#cancel = this.#clock.after(delayMs, () => void this.#round())
  }

  #answered(addresses: readonly string[], place: Place): void {
    const targets = targetsOf(addresses, this.#host, place)
    if (targets.length === 0) {
      this.#failures += 1
      const had =
        addresses.length === 0 ? 'no address' : `only ${addresses.join(', ')}, of a family that this pod does not have`
      this.#announcer.enter('none', `SENSOR=${this.#host} has ${had}; ${meanwhile(this.#announcer.targets)}`)
      return
    }
    this.#failures = 0
    const changed = this.#announcer.hand(targets)
    this.#announcer.enter('found', explainFound(targets), changed)
  }
}

/**
 * One family only, that of the first usable answer (RFC 6724 order): the same machine's other address must not draw
 * half of the flows.
 */
function targetsOf(addresses: readonly string[], host: string, place: Place): Target[] {
  const usable = addresses.filter((address) => place.families.has(isIP(address) as 4 | 6))
  const family = isIP(usable[0] ?? '') as 4 | 6
  const chosen = [...new Set(usable.filter((address) => isIP(address) === family))].sort()
  return chosen.map((address) => ({
    key: address,
    address,
    family,
    name: host,
    sameNode: false,
    cut: 'unknown',
    seed: seedOf(address),
  }))
}

async function systemResolve(host: string): Promise<readonly { address: string }[]> {
  const { lookup } = await import('node:dns/promises')
  return lookup(host, { all: true, order: 'verbatim' })
}
