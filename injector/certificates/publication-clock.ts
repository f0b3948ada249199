/** For how long `caBundle` has been what it is, as far as this replica has seen. */
import type { PublishedBundles } from './plan.ts'

export interface PublicationClock {
  /** What the API server has now. */
  see(bundles: readonly string[]): PublishedBundles
  /** What was seen last. */
  last(): PublishedBundles
}

/** @param now a clock that only goes forward, milliseconds */
export function createPublicationClock(now: () => number): PublicationClock {
  let seen: readonly string[] = []
  let since = now()
  const last = (): PublishedBundles => ({ bundles: seen, unchangedForMs: now() - since })
  return {
    last,
    see(bundles) {
      if (JSON.stringify(bundles) !== JSON.stringify(seen)) {
        seen = bundles
        since = now()
      }
      return last()
    },
  }
}
