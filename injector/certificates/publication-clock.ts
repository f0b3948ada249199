/** Since when the API server has had each authority in `caBundle`, as far as this replica has seen. */
import { certificatesIn } from './bundle.ts'
import type { Published } from './plan.ts'

export interface PublicationClock {
  /** What the API server has now: `caBundle` of every webhook, as PEM text. */
  see(bundles: readonly string[]): Published
  /** What was seen last. */
  last(): Published
}

/** @param now a clock that only goes forward, milliseconds */
export function createPublicationClock(now: () => number): PublicationClock {
  let seen: readonly string[] = []
  let since = new Map<string, number>()
  const last = (): Published => ({
    bundles: seen,
    ages: new Map([...since].map(([certificate, begin]) => [certificate, now() - begin])),
  })
  return {
    last,
    see(bundles) {
      seen = bundles
      const [first = [], ...others] = bundles.map(certificatesIn)
      const everywhere = first.filter((one) => others.every((certificates) => certificates.includes(one)))
      since = new Map(everywhere.map((certificate) => [certificate, since.get(certificate) ?? now()]))
      return last()
    },
  }
}
