/**
 * What the owner of a pod is told. The API server hands warnings to whoever creates a pod, and of a ReplicaSet or a Job
 * that is a controller, which shows them to nobody: an event of the owner is what `kubectl describe` shows.
 */
import type { ReasonCode } from '../contract/injection-reasons.ts'
import { elementsAt, type Json, member, textAt } from './json.ts'
import type { Decision } from './plan.ts'
import type { AdmissionRequest } from './review.ts'

export interface Owner {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
}

export interface Notice {
  readonly namespace: string
  readonly owner: Owner
  readonly reason: ReasonCode
  readonly message: string
}

/** An event's message may have 1024 bytes (kubernetes/apis/core/validation/events.go). */
const messageLimit = 1000
/** The same is told to the same owner this seldom, milliseconds. */
const quietMs = 600_000
const ownersRemembered = 1000
const mostUnderWay = 8

/** The controller that made the pod, else its first owner. */
export function ownerOf(pod: Json | undefined): Json | undefined {
  const owners = elementsAt(pod, 'metadata', 'ownerReferences')
  return owners.find((candidate) => member(candidate, 'controller') === true) ?? owners[0]
}

/** Undefined where there is nothing to tell, nobody to tell it to, or nothing happens at all (dry run). */
export function noticeOf(request: AdmissionRequest, decision: Decision): Notice | undefined {
  const reference = ownerOf(request.object)
  if (decision.warnings.length === 0 || request.dryRun || request.namespace === '' || !reference) return undefined
  const text = (name: string): string => textAt(reference, name) ?? ''
  const owner = { apiVersion: text('apiVersion'), kind: text('kind'), name: text('name'), uid: text('uid') }
  if (Object.values(owner).includes('')) return undefined
  const message = Buffer.from(decision.warnings.join('; ')).subarray(0, messageLimit).toString()
  return { namespace: request.namespace, owner, reason: decision.reason, message }
}

/**
 * Posts notices beside the answers: never waits, never throws, and never lets a controller that creates pods in a loop
 * make an event of each.
 * @param failed told of every post that did not succeed
 */
export function createTeller(
  post: (notice: Notice) => Promise<void>,
  failed: (notice: Notice, error: Error) => void,
  now: () => number = () => performance.now(),
): (notice: Notice) => void {
  const told = new Map<string, number>()
  let underWay = 0
  return (notice) => {
    const key = `${notice.owner.uid} ${notice.reason}`
    const last = told.get(key)
    if (underWay >= mostUnderWay || (last !== undefined && now() - last < quietMs)) return
    told.delete(key)
    told.set(key, now())
    for (const oldest of told.keys()) {
      if (told.size <= ownersRemembered) break
      told.delete(oldest)
    }
    underWay++
    post(notice)
      .catch((error: unknown) => failed(notice, error instanceof Error ? error : new Error(String(error))))
      .finally(() => underWay--)
  }
}
