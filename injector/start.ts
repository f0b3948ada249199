/** Puts the injector together and runs it: everything but signals, environment and exit. */
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { InjectorSettings } from '../contract/injector-settings.ts'
import type { ListenAddress } from '../contract/places.ts'
import type { CertificateSource, UseCertificate } from './certificates/source.ts'
import { type ClientTrust, followAuthorities } from './client-certificates.ts'
import { drained } from './drain.ts'
import type { ClusterView } from './handle.ts'
import { createLiveSettings, type SettingsFile } from './live-settings.ts'
import { createInjectorMetrics, type InjectorMetrics } from './metrics.ts'
import type { Notice } from './notice.ts'
import { createOperationsServer, type Readiness } from './operations.ts'
import type { InjectionConfig } from './plan.ts'
import { createWebhookServer } from './server.ts'

/** How long requests that have begun may still take once the drain time is over. */
const lastAnswersMs = 3000

export interface ClusterConnection {
  readonly view: ClusterView
  tell(notice: Notice): void
  synced(): boolean
  /** What pods are decided by has changed. */
  settingsChanged(): void
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
  settingsChanged: () => undefined,
  stop: () => undefined,
})

export interface InjectorParts {
  readonly version: string
  readonly settings: InjectorSettings
  readonly certificates: CertificateSource
  readonly log: Logger
  readonly connect: (log: Logger, metrics: InjectorMetrics, config: () => InjectionConfig) => ClusterConnection
  /** Undefined: the settings stay as they are. */
  readonly settingsFile?: SettingsFile | undefined
  /** Undefined: every client is answered. */
  readonly clients?: ClientTrust | undefined
  /** How often files are looked at; a second where undefined. */
  readonly lookMs?: number
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
  const live = createLiveSettings(settings, version, parts.settingsFile, log, metrics, parts.lookMs)
  const cluster = parts.connect(log, metrics, live.config)
  let draining = false
  const readiness = (): Readiness => {
    if (draining) return { ready: false, why: 'shutting down' }
    const problem = certificates.problem()
    if (problem !== undefined) return { ready: false, why: problem }
    return cluster.synced() ? { ready: true } : { ready: false, why: 'the namespaces and nodes are not listed yet' }
  }
  const webhook = createWebhookServer({
    config: live.config,
    cluster: cluster.view,
    metrics,
    log,
    tell: (notice) => cluster.tell(notice),
    draining: () => draining,
    clients: parts.clients,
  })
  const authorities = parts.clients && followAuthorities(parts.clients, webhook.useClientAuthorities, log, parts.lookMs)
  const use: UseCertificate = (pair) => {
    webhook.useCertificate(pair)
    metrics.certificateTaken(pair.expires, pair.lifeMs)
  }
  const certificates = parts.certificates(use, log, metrics)
  const settingsFile = live.follow(() => cluster.settingsChanged())
  const operations = settings.metricsAddress && createOperationsServer(metrics, readiness)
  await webhook.app.listen(listenOptions(settings.listenAddress))
  if (operations && settings.metricsAddress) await operations.listen(listenOptions(settings.metricsAddress))
  return {
    port: portOf(webhook.app.server.address()),
    metricsPort: operations ? portOf(operations.server.address()) : undefined,
    async stop() {
      draining = true
      const idle = drained(webhook.app.server, settings.drainSeconds * 1000)
      await certificates.resign()
      await idle
      certificates.stop()
      authorities?.stop()
      settingsFile.stop()
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
