/**
 * The sensor found by its label: list, then watch, for ever, off the packet path.
 *
 * A watch that ends in its own time goes on at once from where it was; one that the server ends before, or whose
 * connection broke, at a random moment of the next second. 410 and whatever else casts doubt on the history start over
 * with a list. Whatever fails, the last known targets stay.
 */

import { Announcer } from './announcer.ts'
import { readNamespace } from './api-access.ts'
import { ApiClient, ApiError } from './api-client.ts'
import { eligibleTargets } from './choose.ts'
import type { DiscoveryCounters, DiscoveryRequest, DiscoveryResult } from './discovery-counters.ts'
import type { Discovery, DiscoveryOptions, DiscoveryState } from './discovery-options.ts'
import { explainForbidden, explainFound, explainNone, meanwhile } from './explain.ts'
import { Patience } from './patience.ts'
import { type PodListing, PodSource, type WatchHandler, type WatchOutcome } from './pod-source.ts'
import type { PodView } from './pod-view.ts'
import { type Clock, defaultTiming, systemClock, type Timing } from './timing.ts'

/** What is no word about the history: the watch can be asked for again as it was. Where that does not help, lists do. */
const historyStands: ReadonlySet<DiscoveryResult> = new Set(['unauthorized', 'forbidden', 'refused'])

export class LabelDiscovery implements Discovery {
  readonly #options: DiscoveryOptions
  readonly #name: string
  readonly #timing: Timing
  readonly #clock: Clock
  readonly #random: () => number
  readonly #counters: DiscoveryCounters
  readonly #announcer: Announcer
  readonly #patience: Patience
  readonly #stopping = new AbortController()
  #pods = new Map<string, PodView>()
  #namespace: string
  /** From where to watch; undefined when a list is due. */
  #version: string | undefined
  #failing = false
  #started = false
  #wake: (() => void) | undefined
  #cancelReconsider: (() => void) | undefined

  constructor(options: DiscoveryOptions, name: string) {
    this.#options = options
    this.#name = name
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#patience = new Patience(this.#timing, this.#random)
    this.#counters = options.counters
    this.#announcer = new Announcer(options.onTargets, options.log, this.#clock)
    this.#namespace = options.namespace || options.podNamespace
  }

  get state(): DiscoveryState {
    return this.#announcer.state
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    if (this.#options.api === undefined) {
      const sentence =
        'not in a Kubernetes cluster (KUBERNETES_SERVICE_HOST is not set): SENSOR must be an IP address or a host name here'
      this.#announcer.enter('unreachable', sentence)
      return
    }
    const client = new ApiClient(this.#options.api, this.#timing, this.#clock)
    const source = new PodSource(client, this.#name, this.#timing, this.#clock, this.#random)
    this.#stopping.signal.addEventListener('abort', () => client.close())
    void this.#run(source)
  }

  stop(): void {
    this.#announcer.silence()
    this.#stopping.abort()
    this.#wake?.()
    this.#cancelReconsider?.()
  }

  async #run(source: PodSource): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      let delayMs: number
      try {
        delayMs = await this.#round(source)
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        delayMs = this.#failed(error)
      }
      if (delayMs > 0) await this.#sleep(delayMs)
    }
  }

  /** @returns how long to wait before the next. @throws {ApiError} where a request was not granted */
  async #round(source: PodSource): Promise<number> {
    const { signal } = this.#stopping
    if (this.#version === undefined) {
      await this.#learnNamespace()
      const { pods, resourceVersion } = await this.#counted('list', () => source.list(this.#namespace, signal))
      this.#listed({ pods, resourceVersion })
    }
    const from = this.#version ?? ''
    const outcome = await this.#counted('watch', () => source.watch(this.#namespace, from, this.#handler, signal))
    return this.#ended(outcome)
  }

  async #counted<T extends PodListing | WatchOutcome>(request: DiscoveryRequest, ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await ask()
      const failed = 'error' in answer ? answer.error : undefined
      if (!this.#stopping.signal.aborted) this.#counters.add(request, failed?.result ?? 'ok')
      return answer
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        this.#counters.add(request, error instanceof ApiError ? error.result : 'garbled')
      throw error
    }
  }

  async #learnNamespace(): Promise<void> {
    if (this.#namespace !== '' || this.#options.api === undefined) return
    try {
      this.#namespace = await readNamespace(this.#options.api)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new ApiError(
        'unauthorized',
        `the pod's own namespace is not known (${why}); set SENSOR_NAMESPACE or POD_NAMESPACE`,
      )
    }
  }

  #listed({ pods, resourceVersion }: PodListing): void {
    this.#pods = new Map(pods)
    this.#version = resourceVersion
    this.#consider()
  }

  readonly #handler: WatchHandler = {
    opened: () => {
      this.#failing = false
      this.#consider()
    },
    seen: (pod) => {
      this.#pods.set(pod.uid, pod)
    },
    gone: (uid) => {
      this.#pods.delete(uid)
    },
    reached: (resourceVersion) => {
      this.#version = resourceVersion
    },
    settled: () => this.#consider(),
  }

  /** A watch that was open is over. */
  #ended(outcome: WatchOutcome): number {
    if (this.#stopping.signal.aborted) return 0
    const { error } = outcome
    if (error !== undefined) {
      this.#options.log.debug(`the watch for sensors broke off: ${error.message}`)
      if (error.result !== 'unreachable') this.#version = undefined
    }
    return this.#patience.afterWatch(outcome)
  }

  /** A request was not granted. */
  #failed(error: unknown): number {
    const failure = error instanceof ApiError ? error : new ApiError('garbled', String(error))
    const { result } = failure
    const first = this.#patience.trusting
    if (!(result === 'unreachable' || (first && historyStands.has(result)))) this.#version = undefined
    // Neither says that anything is wrong: a list will do, and a right that was there a moment ago will be back or be missed.
    if (result === 'gone' || (first && result === 'forbidden')) return this.#patience.afterRefusal(failure)
    this.#failing = true
    const denied = failure.result === 'forbidden' || failure.result === 'unauthorized'
    const what = failure.result === 'forbidden' ? explainForbidden(this.#namespace, failure.account) : failure.message
    this.#announcer.enter(denied ? 'forbidden' : 'unreachable', `${what}; ${meanwhile(this.#announcer.targets)}`)
    return this.#patience.afterRefusal(failure)
  }

  /** Looks through the pods, hands the targets over, and says what there is to say. */
  #consider(): void {
    // A copy: the families are asked of the kernel each time they are looked at, which is too often with many pods.
    const place = { ...this.#options.place }
    const targets = eligibleTargets(this.#pods.values(), place)
    const changed = this.#announcer.hand(targets)
    this.#cancelReconsider?.()
    this.#cancelReconsider = undefined
    if (targets.length === 0 && this.#pods.size > 0 && !this.#stopping.signal.aborted) {
      this.#cancelReconsider = this.#clock.after(this.#timing.reconsiderMs, () => this.#consider())
    }
    if (this.#failing) return
    if (targets.length > 0) this.#announcer.enter('found', explainFound(targets), changed)
    else this.#announcer.enter('none', explainNone(this.#pods.values(), place, this.#name, this.#namespace))
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
