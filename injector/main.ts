/** `vxtap injector`: environment, signals and exit codes around `startInjector`. */
import { existsSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import { exitCodes } from '../contract/exit-codes.ts'
import { type InjectorSettings, readInjectorSettings } from '../contract/injector-settings.ts'
import { type LoadedPair, loadCertificate } from './certificates.ts'
import { configFrom } from './configuration.ts'
import { type InjectorParts, type RunningInjector, startInjector, withoutCluster } from './start.ts'

// Where the API server's ServiceAccount plugin mounts it (kubernetes/plugin/pkg/admission/serviceaccount).
const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token'

export interface InjectorOptions {
  readonly version: string
  /** False for --no-cluster: the API server is not asked about anything. */
  readonly cluster: boolean
}

export async function main(options: InjectorOptions): Promise<void> {
  const read = readInjectorSettings(process.env)
  if (!read.ok) return refuse(read.problems)
  const { settings } = read
  const certificate: LoadedPair = await loadCertificate({
    certFile: settings.tlsCertFile,
    keyFile: settings.tlsKeyFile,
  })
  if (!certificate.ok) return refuse([`${certificate.problem} (TLS_CERT_FILE and TLS_KEY_FILE name the files)`])
  const log = pino({ name: 'vxtap-injector', level: settings.logLevel })
  const connect = await connection(options.cluster ? settings : { ...settings, cluster: 'off' }, options.version, log)
  let injector: RunningInjector
  try {
    injector = await startInjector({
      version: options.version,
      settings,
      certificate: certificate.pair,
      log,
      connect,
    })
  } catch (error) {
    process.stderr.write(`vxtap injector: cannot serve: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(exitCodes.failure.code)
  }
  const { port, metricsPort } = injector
  const certificateExpires = certificate.pair.expires.toISOString()
  log.info({ version: options.version, port, metricsPort, certificateExpires }, 'serving the webhook')
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
async function connection(settings: InjectorSettings, version: string, log: Logger): Promise<InjectorParts['connect']> {
  if (settings.cluster === 'off') return withoutCluster
  if (process.env['KUBERNETES_SERVICE_HOST'] === undefined || !existsSync(serviceAccountToken)) {
    log.warn(
      { file: serviceAccountToken },
      'namespaces and nodes are not watched, because there is no service account: namespaces cannot opt in, nor set anything',
    )
    return withoutCluster
  }
  const [{ KubeConfig }, { watchCluster }] = await Promise.all([
    import('@kubernetes/client-node'),
    import('./cluster/watch-cluster.ts'),
  ])
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromCluster()
  const lookingWith = settings.blindSpots === 'on' ? configFrom(settings, version) : undefined
  return (log, metrics) => watchCluster(kubeConfig, log, metrics, lookingWith)
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
