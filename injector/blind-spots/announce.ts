/** Tells the owners of pods without a tap: one event and one log line for each owner, and again only when the event is gone. */
import type { BlindSpotCode } from '../../contract/blind-spots.ts'
import { type JsonObject, objectAt, textAt } from '../json.ts'
import { type Owner, ownerOf } from '../notice.ts'
import type { Standing } from './judge.ts'

/** An API server forgets events after an hour, unless it is told otherwise (--event-ttl). */
export const againMs = 30 * 60_000
const ownersRemembered = 10_000

export interface BlindSpotNotice {
  readonly namespace: string
  /** The pod's controller; the pod itself where it has none. */
  readonly owner: Owner
  readonly reason: BlindSpotCode
  readonly message: string
}

export interface AnnounceParts {
  readonly post: (notice: BlindSpotNotice) => Promise<void>
  readonly log: (notice: BlindSpotNotice) => void
  /** The owner is told again when one of its pods is looked at again. */
  readonly failed: (notice: BlindSpotNotice, error: Error) => void
  readonly now: () => number
}

/** The others were told when the injector decided on them. */
export function createAnnouncer({
  post,
  log,
  failed,
  now,
}: AnnounceParts): (pod: JsonObject, standing: Standing) => Promise<void> {
  const told = new Map<string, number>()
  return async (pod, standing) => {
    if (standing.tap !== 'blind') return
    const owner = toldOwner(pod)
    const last = told.get(owner.uid)
    if (last !== undefined && now() - last < againMs) return
    told.delete(owner.uid)
    told.set(owner.uid, now())
    for (const oldest of told.keys()) {
      if (told.size <= ownersRemembered) break
      told.delete(oldest)
    }
    const notice: BlindSpotNotice = {
      namespace: textAt(pod, 'metadata', 'namespace') ?? '',
      owner,
      reason: standing.reason as BlindSpotCode,
      message: `${standing.sentence} (${standing.reason}); ${standing.remedy}`,
    }
    if (last === undefined) log(notice)
    try {
      await post(notice)
    } catch (error) {
      told.delete(owner.uid)
      failed(notice, error instanceof Error ? error : new Error(String(error)))
    }
  }
}

function toldOwner(pod: JsonObject): Owner {
  const reference = ownerOf(pod) ?? { apiVersion: 'v1', kind: 'Pod', ...objectAt(pod, 'metadata') }
  const text = (name: string): string => textAt(reference, name) ?? ''
  return { apiVersion: text('apiVersion'), kind: text('kind'), name: text('name'), uid: text('uid') }
}
