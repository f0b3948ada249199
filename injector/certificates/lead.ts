/**
 * The leader's work: looks at the Secret and the webhook configuration, carries out what the plan says, and looks again.
 * Whatever happens to it in between, the next look begins with what is really there.
 */
import type { Json } from '../json.ts'
import { nextState } from './carry-out.ts'
import { bundlesOf, secretData } from './objects.ts'
import { type CertificateAction, type CertificateLives, nextLook, planCertificates } from './plan.ts'
import type { PublicationClock } from './publication-clock.ts'
import { type CertificateState, desiredBundle, readState } from './state.ts'
import { type CertificateStore, isConflict, isMissing } from './store.ts'

export interface Leadership {
  readonly store: CertificateStore
  readonly publication: PublicationClock
  readonly lives: CertificateLives
  readonly names: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds until it may do this, 0 where it may now. */
  readonly untilAct: (kind: CertificateAction['kind']) => number
  /** `repair`: what was right before had been changed by somebody else. */
  readonly done: (action: CertificateAction, why: 'planned' | 'repair') => void
}

/** After a conflict, so that two who write at once do not keep each other from it. */
const afterConflictMs = 50

/**
 * One look, with at most one action on each object. It gives the milliseconds until the next, and throws a StoreError
 * where the API server refuses or is not reached.
 */
export function createLook(leadership: Leadership): () => Promise<number> {
  const { store, publication, lives, names, now, untilAct, done } = leadership
  /** What was right when it was last seen: found wrong later, somebody else has changed it. */
  let published: string | undefined

  return async () => {
    // In this order: see planCertificates.
    const configuration = await store.readConfiguration().catch((error: unknown) => {
      if (isMissing(error)) return null
      throw error
    })
    const secret = await store.readSecret()
    const state = readState(secretData(secret))
    const bundles = bundlesOf(configuration)
    const seen = publication.see(bundles)
    const actions = planCertificates(now(), state, seen, lives, names)
    if (state !== undefined && bundles.length > 0 && !actions.some(({ kind }) => kind === 'publish')) {
      published = desiredBundle(state)
    }
    try {
      for (const action of actions) {
        const waitMs = untilAct(action.kind)
        if (waitMs > 0) return waitMs
        const repair = action.kind === 'publish' && action.bundle === published
        await perform(action, configuration, secret, state)
        done(action, repair ? 'repair' : 'planned')
      }
    } catch (error) {
      if (isConflict(error)) return afterConflictMs
      throw error
    }
    return actions.length > 0 || state === undefined ? 0 : nextLook(now(), state, lives) - now()
  }

  async function perform(
    action: CertificateAction,
    configuration: Json,
    secret: Json,
    state: CertificateState | undefined,
  ): Promise<void> {
    if (action.kind === 'publish') await store.writeBundle(configuration, action.bundle)
    else await store.writeSecret(secret, await nextState(action, state, now(), lives, names))
  }
}
