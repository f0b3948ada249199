/** Puts the injector together and runs it: everything but signals, environment and exit. */
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { InjectorSettings } from '../contract/injector-settings.ts'
import type { ListenAddress } from '../contract/places.ts'
import { type CertificatePair, watchCertificate } from './certificates.ts'
import { configFrom } from './configuration.ts'
import type { ClusterView } from './handle.ts'
import { createInjectorMetrics, type InjectorMetrics } from './metrics.ts'
import type { Notice } from './notice.ts'
import { createOperationsServer, type Readiness } from './operations.ts'
import { createWebhookServer } from './server.ts'

/** How long the injector waits for its first look at the cluster before it answers without. */
const firstSyncMs = 15_000
/** How long requests that have begun may still take once the drain time is over. */
const lastAnswersMs = 3000

export interface ClusterConnection {
  readonly view: ClusterView
  tell(notice: Notice): void
  synced(): boolean
  stop(): void
}

/** For where nothing is to be known but what the requests say. */
export const withoutCluster = (): ClusterConnection => ({
  view: {
    namespace: (name) => ({ name, labels: undefined, annotations: undefined }),
    facts: () => ({ nativeSidecars: 'unknown' }),
  },
  tell: () => undefined,
  synced: () => true,
  stop: () => undefined,
})

export interface InjectorParts {
  readonly version: string
  readonly settings: InjectorSettings
  readonly certificate: CertificatePair
  readonly log: Logger
  readonly connect: (log: Logger, metrics: InjectorMetrics) => ClusterConnection
  /** How often the certificate files are looked at; a second unless a test says otherwise. */
  readonly certificateLookMs?: number
}

export interface RunningInjector {
  readonly port: number
  /** Undefined where the operations server is turned off. */
  readonly metricsPort: number | undefined
  /** Answers for the drain time, with /readyz failing, then closes. */
  stop(): Promise<void>
}

/** @throws where an address cannot be listened on. */
export async function startInjector(parts: InjectorParts): Promise<RunningInjector> {
  const { settings, log, version } = parts
  const metrics = createInjectorMetrics(version)
  metrics.certificateTaken(parts.certificate.expires)
  const cluster = parts.connect(log, metrics)
  const started = performance.now()
  let draining = false
  const readiness = (): Readiness => {
    if (draining) return { ready: false, why: 'shutting down' }
    if (cluster.synced() || performance.now() - started > firstSyncMs) return { ready: true }
    return { ready: false, why: 'the namespaces and nodes are not listed yet' }
  }
  const webhook = createWebhookServer(parts.certificate, {
    config: configFrom(settings, version),
    cluster: cluster.view,
    metrics,
    log,
    tell: (notice) => cluster.tell(notice),
    draining: () => draining,
  })
  const operations = settings.metricsAddress && createOperationsServer(metrics, readiness)
  await webhook.app.listen(listenOptions(settings.listenAddress))
  if (operations && settings.metricsAddress) await operations.listen(listenOptions(settings.metricsAddress))
  const files = { certFile: settings.tlsCertFile, keyFile: settings.tlsKeyFile }
  const certificates = watchCertificate(
    files,
    parts.certificate,
    {
      taken(pair) {
        webhook.useCertificate(pair)
        metrics.certificateTaken(pair.expires)
        log.info(
          { expires: pair.expires.toISOString() },
          'the certificate files changed; new connections get the new certificate',
        )
      },
      refused(problem) {
        metrics.certificateRefused()
        log.error({ problem }, 'the certificate files changed to something unusable; the old certificate stays in use')
      },
      expired(pair) {
        log.error(
          { expired: pair.expires.toISOString(), certFile: settings.tlsCertFile },
          'the certificate has expired: the API server takes no answer from here, and pods start without the tap; renew it',
        )
      },
    },
    parts.certificateLookMs,
  )
  return {
    port: portOf(webhook.app.server.address()),
    metricsPort: operations ? portOf(operations.server.address()) : undefined,
    async stop() {
      draining = true
      await new Promise((resolve) => setTimeout(resolve, settings.drainSeconds * 1000))
      certificates.stop()
      cluster.stop()
      // A client that sends half a request must not keep us from ending.
      setTimeout(() => webhook.app.server.closeAllConnections(), lastAnswersMs).unref()
      await webhook.app.close()
      await operations?.close()
    },
  }
}

// The kernel has this file unless it was started with ipv6.disable=1, where `::` cannot be listened on.
const everyAddress = existsSync('/proc/net/if_inet6') ? '::' : '0.0.0.0'

/** Without a host: every address, IPv6 (where there is any) and IPv4. */
const listenOptions = (address: ListenAddress) => ({ port: address.port, host: address.host ?? everyAddress })

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0
