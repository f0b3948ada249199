/**
 * Whose turn it is: that of whoever holds the Lease. Where the Lease does not work, it is everybody's as soon as nothing
 * is done: it keeps replicas from doing the same work, and that none undoes another's is up to the versions that they
 * write under.
 */
import { type CertificateAction, type CertificateLives, endOf, isPublished, madeForMs, type Published } from './plan.ts'
import type { CertificateState } from './state.ts'

export interface Turn {
  /** Tells what there is now. */
  see(state: CertificateState | undefined, published: Published): void
  acted(kind: CertificateAction['kind']): void
  /** Milliseconds until it is this replica's, 0 where it is. */
  untilLook(): number
  /** The same, for one kind of action. */
  untilAct(kind: CertificateAction['kind']): number
}

export interface TurnParts {
  readonly lives: CertificateLives
  /** Holds the Lease. */
  readonly leading: () => boolean
  /** There is none: nobody can lead by it, and no injector has the right to make it. */
  readonly leaseMissing: () => boolean
  /** A clock that only goes forward, milliseconds. */
  readonly now: () => number
  /** Milliseconds since 1970. */
  readonly date: () => number
}

const secondMs = 1000

/** Whole seconds, as a Lease has them: short beside a certificate's life, and no more than what is usual. */
export const leaseMs = ({ leafMs }: CertificateLives): number =>
  Math.min(15, Math.ceil(leafMs / 4 / secondMs)) * secondMs

/** When so little of a certificate's life is left, nobody waits for a leader any longer. */
const overdueAt = 1 / 4

export function createTurn({ lives, leading, leaseMissing, now, date }: TurnParts): Turn {
  /** Since when the API server has not trusted what the Secret has, or the Secret has nothing. */
  let uselessSince: number | undefined = now()
  let renewedBy = Number.POSITIVE_INFINITY
  const lastActed = new Map<CertificateAction['kind'], number>()
  const untilLook = (): number => {
    if (leading() || leaseMissing()) return 0
    const useful = uselessSince === undefined ? Number.POSITIVE_INFINITY : uselessSince + 2 * leaseMs(lives) - now()
    return Math.max(0, Math.min(useful, renewedBy - date()))
  }
  return {
    untilLook,
    see(state, published) {
      const useful = state !== undefined && isPublished(state.authority.certificate, published)
      uselessSince = useful ? undefined : (uselessSince ?? now())
      const leaf = state?.leaf.certificate
      renewedBy = leaf === undefined ? Number.POSITIVE_INFINITY : endOf(leaf) - madeForMs(leaf) * overdueAt
    },
    acted: (kind) => void lastActed.set(kind, now()),
    // One whose clock is wrong finds overdue what was just made: it must not write as fast as it can.
    untilAct(kind) {
      if (leading()) return 0
      const again = (lastActed.get(kind) ?? Number.NEGATIVE_INFINITY) + leaseMs(lives) - now()
      return Math.max(untilLook(), again)
    },
  }
}
