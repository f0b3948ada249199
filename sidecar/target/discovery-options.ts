/** What discovery is given, and what can be seen of it. */
import type { SensorReference } from '../../contract/sidecar-settings.ts'
import type { Log } from '../log.ts'
import type { ApiAccess } from './api-access.ts'
import type { Place } from './choose.ts'
import type { DiscoveryCounters } from './discovery-counters.ts'
import type { Target } from './target.ts'
import type { Clock, Timing } from './timing.ts'

export interface DiscoveryState {
  readonly kind: 'starting' | 'found' | 'none' | 'unreachable' | 'forbidden' | 'static'
  /** For people, without a final full stop. */
  readonly sentence: string
  /** Milliseconds since the epoch at which the kind became this one. */
  readonly since: number
}

export interface Discovery {
  start(): void
  /** Nothing is called any more after it. */
  stop(): void
  readonly state: DiscoveryState
}

export type Resolve = (host: string) => Promise<readonly { readonly address: string }[]>

export interface DiscoveryOptions {
  readonly sensor: SensorReference
  /** '' for the pod's own, '*' for all. */
  readonly namespace: string
  /** '' where it must be read from the service account's files. */
  readonly podNamespace: string
  readonly place: Place
  /** Called when the targets really are others than before; with an empty list too. */
  readonly onTargets: (targets: readonly Target[]) => void
  readonly log: Log
  readonly counters: DiscoveryCounters
  /** undefined outside a cluster. */
  readonly api: ApiAccess | undefined
  readonly clock?: Clock
  /** 0 (inclusive) to 1 (exclusive); default Math.random. */
  readonly random?: () => number
  readonly timing?: Partial<Timing>
  /** Default: getaddrinfo, all addresses in its order. */
  readonly resolve?: Resolve
}
