/**
 * What is to be done about the certificates. Pure: the Secret, the webhook configuration and the clock in, actions out.
 *
 * An authority is replaced in steps, and each survives the death of whoever takes it:
 *
 * 1. a next authority is written into the Secret, where it signs nothing;
 * 2. it is published: `caBundle` has the present one, the next one and former ones;
 * 3. when the API servers have had the time to notice, it takes over: it signs a leaf, and the present authority becomes
 *    a former one, without its key;
 * 4. a former authority stays published until the last leaf that it has signed has ended.
 *
 * So every leaf in the Secret is one that the API server trusts, and so is every leaf that a replica cut off from
 * the Secret still serves.
 */
import { authoritiesIn, mostFormer, parsed } from './bundle.ts'
import { type CertificateState, desiredBundle, type Former } from './state.ts'

export interface CertificateLives {
  /** Of a serving certificate, milliseconds. */
  readonly leafMs: number
  /** Of an authority, milliseconds. */
  readonly authorityMs: number
}

export interface Published {
  /** `caBundle` of every webhook of the configuration, as PEM text, empty where there is none. */
  readonly bundles: readonly string[]
  /** The certificates that are in all of them, and for how long they have been, as far as is known, milliseconds. */
  readonly ages: ReadonlyMap<string, number>
}

export type CertificateAction =
  /** Write this into every webhook's `caBundle`. */
  | { readonly kind: 'publish'; readonly bundle: string }
  /** A new authority and a new leaf, because there is nothing to go on with; what is published stays so for a while. */
  | { readonly kind: 'begin'; readonly former: Former | undefined }
  | { readonly kind: 'add-next-authority' }
  | { readonly kind: 'promote-next-authority'; readonly former: Former }
  | { readonly kind: 'renew-leaf' }
  | { readonly kind: 'drop-former-authorities' }

/** A certificate is replaced when this part of its life is left: as much time to mend what prevents it as has passed. */
export const replacedAt = 1 / 2

/**
 * Clocks may differ by this much: certificates begin so long before they are made, and are trusted so long after they
 * end. It also tells a certificate of a longer life, set earlier, from one that was made by a clock that is ahead.
 */
export const clockSkewMs = 3_600_000

/** How long the API servers have to see what was published, before anything depends on it, milliseconds. */
export const settleMs = (lives: CertificateLives): number => Math.min(60_000, lives.leafMs / 10)

/**
 * At most one action on the Secret, with the publication that must come before it in front. The order in which the
 * caller has read matters: the webhook configuration first, then the Secret. Whoever publishes under the
 * configuration's version then cannot take away an authority that somebody else has put into use meanwhile.
 * @param state undefined where the Secret holds none that can be used
 * @param names DNS names that the serving certificate must have
 */
export function planCertificates(
  now: number,
  state: CertificateState | undefined,
  published: Published,
  lives: CertificateLives,
  names: readonly string[],
): readonly CertificateAction[] {
  if (state === undefined || remainingMs(state.authority.certificate, now) <= 0) {
    return [{ kind: 'begin', former: stillServed(published, now, lives) }]
  }
  const bundle = desiredBundle(state)
  const publication = published.bundles.some((present) => present !== bundle)
    ? [{ kind: 'publish' as const, bundle }]
    : []
  const secret = secretAction(now, state, published, lives, names)
  return secret === undefined ? publication : [...publication, secret]
}

function secretAction(
  now: number,
  state: CertificateState,
  published: Published,
  lives: CertificateLives,
  names: readonly string[],
): CertificateAction | undefined {
  const { authority, next, leaf, former } = state
  if (next !== undefined && remainingMs(next.certificate, now) > 0) {
    if (isSettled(next.certificate, published, lives)) {
      return { kind: 'promote-next-authority', former: withPresent(state, now) }
    }
  } else if (isDue(authority.certificate, now, lives.authorityMs)) return { kind: 'add-next-authority' }
  if (isDue(leaf.certificate, now, lives.leafMs, authority.certificate) || !hasNames(leaf.certificate, names)) {
    return { kind: 'renew-leaf' }
  }
  if (former !== undefined && former.until + skewFor(lives) <= now) return { kind: 'drop-former-authorities' }
  return undefined
}

/** When to look again though nothing has changed, milliseconds since 1970. */
export function nextLook(now: number, state: CertificateState, lives: CertificateLives): number {
  const times = [
    endOf(state.authority.certificate) - lives.authorityMs * replacedAt,
    endOf(state.leaf.certificate) - lives.leafMs * replacedAt,
    ...(state.next ? [now + settleMs(lives) / 2] : []),
    ...(state.former ? [state.former.until + skewFor(lives)] : []),
  ]
  return Math.max(now + settleMs(lives) / 10, Math.min(...times))
}

/** A clock may be wrong by an hour; but short lives, as tests have them, cannot wait for one. */
const skewFor = (lives: CertificateLives): number => Math.min(clockSkewMs, lives.leafMs)

/** Milliseconds since 1970. */
export const endOf = (pem: string): number => parsed(pem)?.validToDate.getTime() ?? 0

/** From its making to its end, milliseconds: what it was given, whatever the setting is now. */
export function madeForMs(pem: string): number {
  const begin = parsed(pem)?.validFromDate.getTime() ?? 0
  return endOf(pem) - begin - clockSkewMs
}

const remainingMs = (pem: string, now: number): number => endOf(pem) - now

/** A leaf that ends with its authority cannot be renewed for longer. */
function isDue(pem: string, now: number, lifeMs: number, issuer?: string): boolean {
  const remaining = remainingMs(pem, now)
  if (remaining > lifeMs + clockSkewMs) return true
  return remaining <= lifeMs * replacedAt && (issuer === undefined || endOf(pem) < endOf(issuer))
}

/** @param pem of one certificate, in its one form */
export const isPublished = (pem: string, { ages }: Published): boolean => ages.has(pem)

export const isSettled = (pem: string, { ages }: Published, lives: CertificateLives): boolean =>
  (ages.get(pem) ?? -1) >= settleMs(lives)

const hasNames = (pem: string, names: readonly string[]): boolean =>
  names.every((name) => parsed(pem)?.checkHost(name) === name)

/** The present authority becomes a former one; earlier ones stay as long as their leaves, which is no longer than its. */
function withPresent({ authority, leaf, former }: CertificateState, now: number): Former {
  const earlier = former !== undefined && former.until > now ? former.certificates : []
  return {
    certificates: [...earlier, authority.certificate].slice(-mostFormer),
    until: Math.max(former?.until ?? 0, endOf(leaf.certificate)),
  }
}

/** Somebody may serve with leaves of what is published, though the Secret knows nothing of it (it was emptied, say). */
function stillServed({ bundles }: Published, now: number, lives: CertificateLives): Former | undefined {
  const certificates = authoritiesIn(bundles.join(''), now)
  return certificates.length === 0 ? undefined : { certificates, until: now + lives.leafMs }
}
