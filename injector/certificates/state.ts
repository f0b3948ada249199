/**
 * What the Secret holds. All of it is written at once, under the version that was read, so it is never half of anything:
 *
 * | key              | content                                                                     |
 * | ---              | ---                                                                         |
 * | ca.crt, ca.key   | the authority that signs                                                    |
 * | tls.crt, tls.key | the serving certificate, signed by it                                       |
 * | next-ca.crt, .key| the authority that will sign, from when it is published to when it takes over |
 * | former-ca.crt    | authorities whose leaves may still be in use; their keys are gone           |
 * | former-until     | when the last of those leaves ends, RFC 3339                                |
 */
import { createPrivateKey } from 'node:crypto'
import { bundleOf, certificatesIn, parsed } from './bundle.ts'
import type { PemPair } from './x509.ts'

export interface Former {
  readonly certificates: readonly string[]
  /** Milliseconds since 1970. */
  readonly until: number
}

export interface CertificateState {
  readonly authority: PemPair
  readonly leaf: PemPair
  readonly next?: PemPair
  readonly former?: Former
}

export type SecretData = Readonly<Record<string, string>>

/** @param data as the API has it: base64. @returns undefined for what was never written, or is damaged */
export function readState(data: SecretData): CertificateState | undefined {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString()
  const pair = (name: string): PemPair | undefined =>
    checked({ certificate: text(`${name}.crt`), key: text(`${name}.key`) })
  const authority = pair('ca')
  const leaf = pair('tls')
  if (authority === undefined || leaf === undefined || !signedBy(leaf, authority)) return undefined
  const next = pair('next-ca')
  const former = { certificates: certificatesIn(text('former-ca.crt')), until: Date.parse(text('former-until')) }
  return {
    authority,
    leaf,
    ...(next ? { next } : {}),
    ...(former.certificates.length > 0 && Number.isFinite(former.until) ? { former } : {}),
  }
}

/** Every key of the Secret; null takes away what an earlier state had (RFC 7396). */
export function writeState(state: CertificateState): Readonly<Record<string, string | null>> {
  const { authority, leaf, next, former } = state
  const texts: Readonly<Record<string, string | undefined>> = {
    'ca.crt': authority.certificate,
    'ca.key': authority.key,
    'tls.crt': leaf.certificate,
    'tls.key': leaf.key,
    'next-ca.crt': next?.certificate,
    'next-ca.key': next?.key,
    'former-ca.crt': former === undefined ? undefined : bundleOf(former.certificates),
    'former-until': former === undefined ? undefined : new Date(former.until).toISOString(),
  }
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, text === undefined ? null : Buffer.from(text).toString('base64')]),
  )
}

/** What the API server must trust: whoever serves, serves with a leaf of one of these. */
export function desiredBundle({ authority, next, former }: CertificateState): string {
  const all = [authority.certificate, ...(next ? [next.certificate] : []), ...(former?.certificates ?? [])]
  return bundleOf(all.flatMap(certificatesIn))
}

/** @returns undefined unless the certificate and the key belong together */
function checked(pair: PemPair): PemPair | undefined {
  try {
    const certificate = parsed(pair.certificate)
    const key = createPrivateKey(pair.key)
    // What we did not write ourselves: neither the library that signs nor OpenSSL's security level need take it.
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined
    if (!certificate?.checkPrivateKey(key)) return undefined
    // In its one form: somebody may have put it back without its last newline.
    return { ...pair, certificate: certificate.toString() }
  } catch {
    return undefined
  }
}

function signedBy(leaf: PemPair, authority: PemPair): boolean {
  const issuer = parsed(authority.certificate)
  const certificate = parsed(leaf.certificate)
  if (!issuer || !certificate) return false
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
