/** The injector over real HTTPS on a loopback port, with a certificate of its own, for one test file. */
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { readInjectorSettings } from '../../contract/injector-settings.ts'
import { loadCertificate } from '../../injector/certificates/files.ts'
import { keepFromFiles } from '../../injector/certificates/from-files.ts'
import { type ClusterConnection, type RunningInjector, startInjector, withoutCluster } from '../../injector/start.ts'
import { makeCertificate, type TestCertificate } from './certificates.ts'

export interface Reply {
  readonly status: number
  readonly body: string
  readonly connection: string | undefined
}

export interface ServedInjector extends RunningInjector {
  readonly certificate: TestCertificate
  readonly agent: Agent
  /** Every log line so far. */
  readonly log: readonly Record<string, unknown>[]
  post(body: string | Buffer, options?: RequestOptions): Promise<Reply>
  /** Replaces both files at once, as the kubelet does with a mounted Secret. */
  writeCertificate(pair: TestCertificate): Promise<void>
  /** Stops the server and removes its files. */
  dispose(): Promise<void>
}

export async function serveInjector(
  environment: Record<string, string> = {},
  connect?: () => ClusterConnection,
): Promise<ServedInjector> {
  const directory = await mkdtemp(join(tmpdir(), 'vxtap-injector-'))
  const files = { certFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key') }
  const certificate = makeCertificate()
  await mountSecret(directory, certificate)
  const read = readInjectorSettings({
    IMAGE: 'example.com/vxtap:9.9.9',
    DEFAULT_SENSOR: 'zeek',
    NATIVE_SIDECARS: 'always',
    LISTEN_ADDRESS: '127.0.0.1:0',
    METRICS_ADDRESS: '127.0.0.1:0',
    TLS_CERT_FILE: files.certFile,
    TLS_KEY_FILE: files.keyFile,
    DRAIN_SECONDS: '0',
    ...environment,
  })
  if (!read.ok) throw new Error(read.problems.join('\n'))
  const loaded = await loadCertificate(files)
  if (!loaded.ok) throw new Error(loaded.problem)
  const log: Record<string, unknown>[] = []
  const injector = await startInjector({
    version: '9.9.9',
    settings: read.settings,
    certificates: (use, logger, metrics) => keepFromFiles(files, loaded.pair, 20, use, logger, metrics),
    log: pino({}, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
    connect: connect ?? withoutCluster,
  })
  const agent = new Agent({ ca: certificate.cert, keepAlive: true })
  return {
    ...injector,
    certificate,
    agent,
    log,
    post: (body, options) => post(injector.port, agent, body, options),
    writeCertificate: (pair) => mountSecret(directory, pair),
    async dispose() {
      agent.destroy()
      await injector.stop()
      await rm(directory, { recursive: true })
    },
  }
}

/**
 * As kubernetes/pkg/volume/util/atomic_writer.go: a new folder for each version, `..data` pointing to the current one by
 * a symbolic link that is renamed into place, and the visible files pointing into `..data`.
 */
async function mountSecret(directory: string, pair: TestCertificate): Promise<void> {
  const version = await mkdtemp(join(directory, '..version-'))
  await writeFile(join(version, 'tls.crt'), pair.cert)
  await writeFile(join(version, 'tls.key'), pair.key)
  await symlink(version, join(directory, '..data_tmp'))
  await rename(join(directory, '..data_tmp'), join(directory, '..data'))
  for (const name of ['tls.crt', 'tls.key']) {
    if (!existsSync(join(directory, name))) await symlink(join('..data', name), join(directory, name))
  }
}

export function post(port: number, agent: Agent, body: string | Buffer, options: RequestOptions = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let answered = false
    const { headers, ...others } = options
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path: '/mutate?timeout=5s',
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
        ...others,
      },
      (incoming) => {
        answered = true
        collect(incoming).then(resolve, reject)
      },
    )
    // A server that refuses a large body answers and closes before all of it is written.
    outgoing.on('error', (error) => !answered && reject(error))
    outgoing.end(body)
  })
}

async function collect(incoming: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return {
    status: incoming.statusCode ?? 0,
    body: Buffer.concat(chunks).toString(),
    connection: incoming.headers.connection,
  }
}
