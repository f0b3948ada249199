/** Bundles of authorities: the PEM text that `caBundle` holds. Pure. */
import { X509Certificate } from 'node:crypto'

/** How many former authorities are kept at most: more than one only where authorities end sooner than leaves. */
export const mostFormer = 4

/** Every certificate of a PEM text, each as one block in its one form; what is no certificate is left out. */
export function certificatesIn(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return blocks.flatMap((block) => {
    const certificate = read(block)
    return certificate === undefined ? [] : [certificate.normal]
  })
}

/** Undefined for what is no certificate. */
export const parsed = (pem: string): X509Certificate | undefined => read(pem)?.certificate

interface ReadCertificate {
  readonly certificate: X509Certificate
  /** The same certificate always gives the same text. */
  readonly normal: string
}

// The same few are looked at again and again, and OpenSSL takes its time with each.
const remembered = new Map<string, ReadCertificate>()
const mostRemembered = 32

function read(pem: string): ReadCertificate | undefined {
  const known = remembered.get(pem)
  if (known !== undefined) return known
  try {
    const certificate = new X509Certificate(pem)
    const found = { certificate, normal: certificate.toString() }
    for (const oldest of remembered.keys()) {
      if (remembered.size < mostRemembered) break
      remembered.delete(oldest)
    }
    remembered.set(pem, found)
    return found
  } catch {
    return undefined
  }
}

/** A text of all of them, each once, and the same text in whatever order they come. */
export const bundleOf = (certificates: readonly string[]): string => [...new Set(certificates)].sort().join('')

/** The authorities in a bundle that somebody may still be serving with, the newest last. */
export function authoritiesIn(bundle: string, now: number): string[] {
  const valid = [...new Set(certificatesIn(bundle))].flatMap((pem) => {
    const certificate = parsed(pem)
    // Somebody else's leaf may be its own authority, without saying that it is one.
    const authority = certificate?.ca || certificate?.checkIssued(certificate)
    return certificate && authority && certificate.validToDate.getTime() > now
      ? [{ pem, from: certificate.validFromDate }]
      : []
  })
  return valid
    .sort((one, other) => one.from.getTime() - other.from.getTime())
    .map(({ pem }) => pem)
    .slice(-mostFormer)
}
