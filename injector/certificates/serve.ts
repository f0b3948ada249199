/** Which certificate a replica serves with: the Secret's, as soon as the API server trusts it. Pure. */
import { parsed } from './bundle.ts'
import { type CertificateLives, isPublished, isSettled, type Published } from './plan.ts'
import type { CertificateState } from './state.ts'
import type { PemPair } from './x509.ts'

export interface Serving {
  readonly leaf: PemPair
  /** PEM of the authority that signed it. */
  readonly authority: string
}

/**
 * What was served so far stays while it is better than what is there now. A replica that serves nothing yet takes what
 * is trusted at once; one that does lets the API servers notice a new authority first.
 * @returns undefined where there is nothing that the API server would trust
 */
export function chooseServing(
  now: number,
  current: Serving | undefined,
  state: CertificateState | undefined,
  published: Published,
  lives: CertificateLives,
): Serving | undefined {
  if (state === undefined || state.leaf.certificate === current?.leaf.certificate) return current
  const offered = { leaf: state.leaf, authority: state.authority.certificate }
  if (current !== undefined && isValid(current, now)) {
    if (!isValid(offered, now)) return current
    const sameAuthority = current.authority === offered.authority
    return sameAuthority || isSettled(offered.authority, published, lives) ? offered : current
  }
  return isPublished(offered.authority, published) ? offered : current
}

export function isValid({ leaf }: Serving, now: number): boolean {
  const certificate = parsed(leaf.certificate)
  return (
    certificate !== undefined && certificate.validFromDate.getTime() <= now && now < certificate.validToDate.getTime()
  )
}
