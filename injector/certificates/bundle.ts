/** Bundles of authorities: the PEM text that `caBundle` holds. Pure. */
import { X509Certificate } from 'node:crypto'

/** How many former authorities are kept at most: more than one only where authorities end sooner than leaves. */
export const mostFormer = 4

/** Every certificate of a PEM text, each as one block in its one form; what is no certificate is left out. */
export function certificatesIn(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return blocks.flatMap((block) => {
    const certificate = parsed(block)
    return certificate === undefined ? [] : [normal(certificate)]
  })
}

/** The same certificate always gives the same text. */
export const normal = (certificate: X509Certificate): string => certificate.toString()

export function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** A text of all of them, each once. */
export const bundleOf = (certificates: readonly string[]): string => [...new Set(certificates)].join('')

export const trusts = (bundle: string, authority: string): boolean =>
  certificatesIn(authority).every((one) => certificatesIn(bundle).includes(one))

/** The authorities in a bundle that somebody may still be serving with, the newest last. */
export function authoritiesIn(bundle: string, now: number): string[] {
  const valid = certificatesIn(bundle).flatMap((pem) => {
    const certificate = new X509Certificate(pem)
    return certificate.ca && certificate.validToDate.getTime() > now ? [{ pem, from: certificate.validFromDate }] : []
  })
  return valid
    .sort((one, other) => one.from.getTime() - other.from.getTime())
    .map(({ pem }) => pem)
    .slice(-mostFormer)
}
