/** The injector over real HTTPS on a loopback port, with a certificate of its own, for one test file. */
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadCertificate } from '../../injector/certificates/files.ts'
import { keepFromFiles } from '../../injector/certificates/from-files.ts'
import { loadClientTrust } from '../../injector/client-certificates.ts'
import { loadSettings, settingsParser } from '../../injector/settings-file.ts'
import { type ClusterConnection, type RunningInjector, startInjector, withoutCluster } from '../../injector/start.ts'
import { makeCertificate, type TestCertificate } from './certificates.ts'
import { mountFiles } from './mounted-files.ts'

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
  await mountPair(directory, certificate)
  const variables = {
    IMAGE: 'example.com/vxtap:9.9.9',
    DEFAULT_SENSOR: 'zeek',
    NATIVE_SIDECARS: 'always',
    LISTEN_ADDRESS: '127.0.0.1:0',
    METRICS_ADDRESS: '127.0.0.1:0',
    TLS_CERT_FILE: files.certFile,
    TLS_KEY_FILE: files.keyFile,
    DRAIN_SECONDS: '0',
    ...environment,
  }
  const read = await loadSettings(variables)
  if (!read.ok) throw new Error(read.problems.join('\n'))
  const loaded = await loadCertificate(files)
  if (!loaded.ok) throw new Error(loaded.problem)
  const clients = await loadClientTrust(read.settings.clientCaFile, read.settings.clientNames)
  if (!clients.ok) throw new Error(clients.problems.join('\n'))
  const log: Record<string, unknown>[] = []
  const injector = await startInjector({
    version: '9.9.9',
    settings: read.settings,
    certificates: (use, logger, metrics) => keepFromFiles(files, loaded.pair, 20, use, logger, metrics),
    log: pino({}, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
    connect: connect ?? withoutCluster,
    clients: clients.trust,
    settingsFile: read.content && {
      file: read.settings.settingsFile,
      content: read.content,
      parse: settingsParser(variables),
    },
    lookMs: 20,
  })
  const agent = new Agent({ ca: certificate.cert, keepAlive: true })
  return {
    ...injector,
    certificate,
    agent,
    log,
    post: (body, options) => post(injector.port, agent, body, options),
    writeCertificate: (pair) => mountPair(directory, pair),
    async dispose() {
      agent.destroy()
      await injector.stop()
      await rm(directory, { recursive: true })
    },
  }
}

const mountPair = (directory: string, pair: TestCertificate): Promise<void> =>
  mountFiles(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key })

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
