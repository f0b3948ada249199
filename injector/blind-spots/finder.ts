/**
 * Keeps count of the pods that ask for a tap and have none. Metadata tells which pods may be such; each of those is read
 * as a whole and judged by the injector's own decision. Only pods without a tap are remembered.
 */
import type { UntappedReason } from '../../contract/blind-spots.ts'
import type { ListWatchSink } from '../cluster/list-watch.ts'
import type { JsonObject } from '../json.ts'
import type { Standing } from './judge.ts'
import type { SeenPod } from './pod-metadata.ts'

export interface FinderParts {
  /** The pod as it is now; undefined where it is gone. @throws where it cannot be read */
  readonly read: (namespace: string, name: string) => Promise<JsonObject | undefined>
  readonly judge: (pod: JsonObject, namespace: string) => Standing
  readonly counted: (reason: UntappedReason, pods: number) => void
  /** Called for each pod without a tap, every time that it was judged. */
  readonly found: (pod: JsonObject, standing: Standing) => Promise<void> | void
  readonly failed: (pod: SeenPod, error: Error) => void
  readonly pause: (ms: number) => Promise<void>
}

interface Remembered extends SeenPod {
  readonly scope: string
  reason: UntappedReason | undefined
}

/** Pods that are read at once: what an outage leaves behind must not load the API server when it is over. */
const mostReads = 4
const retryMs = 30_000

export class BlindSpotFinder {
  readonly #parts: FinderParts
  readonly #pods = new Map<string, Remembered>()
  readonly #queue = new Set<string>()
  readonly #counts = new Map<UntappedReason, number>()
  #workers = 0
  #stopped = false

  constructor(parts: FinderParts) {
    this.#parts = parts
  }

  /** Pods that may be without a tap, judged or not. */
  get size(): number {
    return this.#pods.size
  }

  /** What list and watch of one scope tell. */
  sink(scope: string): Pick<ListWatchSink<SeenPod>, 'replace' | 'upsert' | 'remove'> {
    return {
      replace: (pods) => {
        const present = new Set(pods.map(({ uid }) => uid))
        for (const pod of this.#pods.values()) if (pod.scope === scope && !present.has(pod.uid)) this.#forget(pod.uid)
        for (const pod of pods) this.#see(pod, scope)
      },
      upsert: (pod) => this.#see(pod, scope),
      remove: (pod) => {
        // Its label may have moved it to another scope before this one lets go of it.
        if (this.#pods.get(pod.uid)?.scope === scope) this.#forget(pod.uid)
      },
    }
  }

  dropScope(scope: string): void {
    for (const pod of [...this.#pods.values()]) if (pod.scope === scope) this.#forget(pod.uid)
  }

  /** Judges again what is remembered: of one namespace, or everything. */
  again(namespace?: string): void {
    for (const pod of this.#pods.values()) {
      if (namespace === undefined || pod.namespace === namespace) this.#enqueue(pod.uid)
    }
  }

  stop(): void {
    this.#stopped = true
    this.#queue.clear()
  }

  #see(pod: SeenPod, scope: string): void {
    if (!pod.suspicious) {
      this.#forget(pod.uid)
      return
    }
    this.#pods.set(pod.uid, { ...pod, scope, reason: this.#pods.get(pod.uid)?.reason })
    this.#enqueue(pod.uid)
  }

  #forget(uid: string): void {
    this.#count(this.#pods.get(uid)?.reason, -1)
    this.#pods.delete(uid)
    this.#queue.delete(uid)
  }

  #enqueue(uid: string): void {
    if (this.#stopped) return
    this.#queue.add(uid)
    if (this.#workers >= mostReads) return
    this.#workers++
    void this.#work().finally(() => this.#workers--)
  }

  async #work(): Promise<void> {
    for (const uid of this.#queue) {
      this.#queue.delete(uid)
      const pod = this.#pods.get(uid)
      if (pod !== undefined) await this.#look(pod)
    }
  }

  async #look(seen: Remembered): Promise<void> {
    const { uid, namespace, name } = seen
    try {
      const pod = await this.#parts.read(namespace, name)
      const standing = pod && this.#parts.judge(pod, namespace)
      const untapped = standing !== undefined && !standing.ended && ['blind', 'refused'].includes(standing.tap)
      const remembered = this.#pods.get(uid)
      if (remembered === undefined || this.#stopped) return
      this.#count(remembered.reason, -1)
      remembered.reason = untapped ? (standing.reason as UntappedReason) : undefined
      this.#count(remembered.reason, 1)
      if (pod && untapped) await this.#parts.found(pod, standing)
    } catch (error) {
      this.#parts.failed(seen, error instanceof Error ? error : new Error(String(error)))
      await this.#parts.pause(retryMs)
      if (this.#pods.has(uid) && !this.#stopped) this.#queue.add(uid)
    }
  }

  #count(reason: UntappedReason | undefined, by: 1 | -1): void {
    if (reason === undefined) return
    const pods = (this.#counts.get(reason) ?? 0) + by
    this.#counts.set(reason, pods)
    this.#parts.counted(reason, pods)
  }
}
