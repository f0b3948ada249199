/** `vxtap injector`: environment, signals and exit codes around `startInjector`. */
import { existsSync } from 'node:fs'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import { exitCodes } from '../contract/exit-codes.ts'
import type { InjectorSettings } from '../contract/injector-settings.ts'
import { loadCertificate } from './certificates/files.ts'
import { keepFromFiles } from './certificates/from-files.ts'
import type { CertificateSource } from './certificates/source.ts'
import { loadClientTrust } from './client-certificates.ts'
import { openLog } from './log.ts'
import { loadSettings, settingsParser } from './settings-file.ts'
import { type InjectorParts, type RunningInjector, startInjector, withoutCluster } from './start.ts'

// Where the API server's ServiceAccount plugin mounts it (kubernetes/plugin/pkg/admission/serviceaccount).
const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token'

export interface InjectorOptions {
  readonly version: string
  /** False for --no-cluster: the API server is not asked about anything. */
  readonly cluster: boolean
}

export async function main(options: InjectorOptions): Promise<void> {
  const read = await loadSettings(process.env)
  if (!read.ok) return refuse(read.problems)
  const { settings, content } = read
  const log = openLog(settings.logLevel)
  const clusterSettings: InjectorSettings = options.cluster ? settings : { ...settings, cluster: 'off' }
  const kubeConfig = clusterSettings.cluster === 'off' ? undefined : await inCluster()
  const certificates = await certificatesFor(settings, kubeConfig)
  const clients = await loadClientTrust(settings.clientCaFile, settings.clientNames)
  const problems = [...(certificates.ok ? [] : [certificates.problem]), ...(clients.ok ? [] : clients.problems)]
  if (!certificates.ok || !clients.ok) return refuse(problems)
  const connect = await connection(clusterSettings, kubeConfig, log)
  let injector: RunningInjector
  try {
    injector = await startInjector({
      version: options.version,
      settings,
      certificates: certificates.source,
      clients: clients.trust,
      settingsFile: content && { file: settings.settingsFile, content, parse: settingsParser(process.env) },
      log,
      connect,
    })
  } catch (error) {
    process.stderr.write(`vxtap injector: cannot serve: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(exitCodes.failure.code)
  }
  const { port, metricsPort } = injector
  log.info({ version: options.version, port, metricsPort }, 'serving the webhook')
  stopOnSignal(async (signal) => {
    log.info({ signal, drainSeconds: settings.drainSeconds }, 'stopping; open connections are answered until then')
    await injector.stop()
  })
}

function refuse(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`vxtap injector: ${problem}\n`)
  process.exitCode = exitCodes.config.code
}

/** The client library costs tens of megabytes, so it is loaded only where there is a cluster. */
async function inCluster(): Promise<KubeConfig | undefined> {
  if (process.env['KUBERNETES_SERVICE_HOST'] === undefined || !existsSync(serviceAccountToken)) return undefined
  const { KubeConfig: Config } = await import('@kubernetes/client-node')
  const kubeConfig = new Config()
  kubeConfig.loadFromCluster()
  return kubeConfig
}

type Certificates =
  | { readonly ok: true; readonly source: CertificateSource }
  | { readonly ok: false; readonly problem: string }

async function certificatesFor(settings: InjectorSettings, kubeConfig: KubeConfig | undefined): Promise<Certificates> {
  if (settings.certificateSource === 'files') {
    const files = { certFile: settings.tlsCertFile, keyFile: settings.tlsKeyFile }
    const loaded = await loadCertificate(files)
    if (!loaded.ok) {
      return { ok: false, problem: `${loaded.problem} (TLS_CERT_FILE and TLS_KEY_FILE name the files)` }
    }
    return {
      ok: true,
      source: (use, log, metrics) => keepFromFiles(files, loaded.pair, undefined, use, log, metrics),
    }
  }
  if (kubeConfig === undefined) {
    const problem = `CERTIFICATE_SOURCE=themselves needs a service account, whose token would be in ${serviceAccountToken}; without, set CERTIFICATE_SOURCE=files`
    return { ok: false, problem }
  }
  const [{ createStore }, { keepSelfManaged }] = await Promise.all([
    import('./certificates/store.ts'),
    import('./certificates/self-managed.ts'),
  ])
  const names = { namespace: settings.podNamespace, webhook: settings.webhookName }
  const lives = { leafMs: settings.certificateLife * 1000, authorityMs: settings.authorityLife * 1000 }
  const store = createStore(kubeConfig, names)
  return { ok: true, source: (use, log, metrics) => keepSelfManaged({ store, names, lives, log, metrics }, use) }
}

async function connection(
  settings: InjectorSettings,
  kubeConfig: KubeConfig | undefined,
  log: Logger,
): Promise<InjectorParts['connect']> {
  if (settings.cluster === 'off') return withoutCluster
  if (kubeConfig === undefined) {
    log.warn(
      { file: serviceAccountToken },
      'namespaces and nodes are not watched, because there is no service account: namespaces cannot opt in, nor set anything',
    )
    return withoutCluster
  }
  const { watchCluster } = await import('./cluster/watch-cluster.ts')
  const looks = settings.blindSpots === 'on'
  return (clusterLog, metrics, config) => watchCluster(kubeConfig, clusterLog, metrics, looks ? config : undefined)
}

function stopOnSignal(stop: (signal: NodeJS.Signals) => Promise<void>): void {
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // A second signal means now.
      if (stopping) process.exit(exitCodes.failure.code)
      stopping = true
      void stop(signal).then(() => process.exit(exitCodes.ok.code))
    })
  }
}
