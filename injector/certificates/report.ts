/** What becomes of the certificates, in the log and in metrics: each trouble once, until it is another. */
import type { Logger } from 'pino'
import type { InjectorMetrics } from '../metrics.ts'
import { type Names, storeName } from './objects.ts'
import type { CertificateAction } from './plan.ts'
import { StoreError } from './store.ts'

export interface CertificateReporter {
  done(action: CertificateAction, why: 'planned' | 'repair'): void
  failed(error: unknown): void
  noConfiguration(): void
}

const sentences: Readonly<Record<CertificateAction['kind'], string>> = {
  publish: 'published the authorities of the certificates in caBundle',
  begin: 'made an authority and a first certificate, because the Secret has none to go on with',
  'add-next-authority': 'made the next authority; it signs nothing until it is published',
  'promote-next-authority': 'the next authority took over and signed a certificate',
  'renew-leaf': 'renewed the certificate',
  'drop-former-authorities': 'nothing signed by former authorities is left; they are trusted no longer',
}

export function createReporter(names: Names, log: Logger, metrics: InjectorMetrics): CertificateReporter {
  const fields = { secret: storeName(names), webhookConfiguration: names.webhook }
  let lastFailure = ''
  let repairTold = false
  let absenceTold = false
  return {
    done(action, why) {
      lastFailure = ''
      if (action.kind === 'begin' || action.kind === 'promote-next-authority') metrics.certificateRotated('authority')
      if (['begin', 'promote-next-authority', 'renew-leaf'].includes(action.kind)) metrics.certificateRotated('leaf')
      if (why === 'planned') {
        log.info(fields, sentences[action.kind])
        return
      }
      metrics.bundleRepaired()
      const level = repairTold ? 'debug' : 'warn'
      repairTold = true
      log[level](
        fields,
        'something else changed caBundle of the webhook configuration; put right, as it will be each time. Tell GitOps tools to leave webhooks[].clientConfig.caBundle alone',
      )
    },
    failed(error) {
      const resource = error instanceof StoreError ? error.resource : 'other'
      metrics.certificateFailed(resource)
      const message = error instanceof Error ? error.message : String(error)
      if (message === lastFailure) return
      lastFailure = message
      const needs = error instanceof StoreError && error.status === 403 ? `; needs: ${error.rule}` : ''
      log.error({ ...fields, resource, cause: message }, `cannot keep the certificates; trying again${needs}`)
    },
    noConfiguration() {
      if (absenceTold) return
      absenceTold = true
      log.warn(fields, 'the webhook configuration does not exist yet: nobody would call; waiting for it')
    },
  }
}
