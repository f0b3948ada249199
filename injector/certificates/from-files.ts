/** The certificate of files that somebody else writes: cert-manager, or the operator. */
import type { Logger } from 'pino'
import type { InjectorMetrics } from '../metrics.ts'
import { type CertificateFiles, watchCertificate } from './files.ts'
import type { CertificateKeeper, CertificatePair, UseCertificate } from './source.ts'

/** @param first what the files hold; @param lookMs a second where undefined */
export function keepFromFiles(
  files: CertificateFiles,
  first: CertificatePair,
  lookMs: number | undefined,
  use: UseCertificate,
  log: Logger,
  metrics: InjectorMetrics,
): CertificateKeeper {
  let inUse = first
  const take = (pair: CertificatePair): void => {
    inUse = pair
    use(pair)
    metrics.certificateReloaded('taken')
  }
  take(first)
  const watch = watchCertificate(
    files,
    first,
    {
      taken(pair) {
        take(pair)
        const expires = pair.expires.toISOString()
        log.info({ expires }, 'the certificate files changed; new connections get the new certificate')
      },
      refused(problem) {
        metrics.certificateReloaded('refused')
        log.error({ problem }, 'the certificate files changed to something unusable; the old certificate stays in use')
      },
      expired(pair) {
        log.error(
          { expired: pair.expires.toISOString(), certFile: files.certFile },
          'the certificate has expired: the API server takes no answer from here, and pods start without the tap; renew it',
        )
      },
    },
    lookMs,
  )
  return {
    problem() {
      const { expires } = inUse
      return expires.getTime() <= Date.now() ? `the certificate expired at ${expires.toISOString()}` : undefined
    },
    resign: async () => undefined,
    stop: () => watch.stop(),
  }
}
