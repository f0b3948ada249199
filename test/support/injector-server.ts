/** The injector over real HTTPS on a loopback port, with a certificate of its own, for one test file. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { readInjectorSettings } from '../../contract/injector-settings.ts'
import { loadCertificate } from '../../injector/certificates.ts'
import { type ClusterConnection, type RunningInjector, startInjector } from '../../injector/start.ts'
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
  /** Replaces the certificate files, each atomically, as writers of such files do. */
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
  await Promise.all([writeFile(files.certFile, certificate.cert), writeFile(files.keyFile, certificate.key)])
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
    certificate: loaded.pair,
    log: pino({}, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
    connect: connect ?? withoutCluster,
    certificateLookMs: 20,
  })
  const agent = new Agent({ ca: certificate.cert, keepAlive: true })
  return {
    ...injector,
    certificate,
    agent,
    log,
    post: (body, options) => post(injector.port, agent, body, options),
    async writeCertificate(pair) {
      for (const [file, text] of [
        [files.certFile, pair.cert],
        [files.keyFile, pair.key],
      ] as const) {
        await writeFile(`${file}.new`, text)
        await rename(`${file}.new`, file)
      }
    },
    async dispose() {
      agent.destroy()
      await injector.stop()
      await rm(directory, { recursive: true })
    },
  }
}

const withoutCluster = (): ClusterConnection => ({
  view: {
    namespace: (name) => ({ name, labels: undefined, annotations: undefined }),
    facts: () => ({ nativeSidecars: 'unknown' }),
  },
  synced: () => true,
  stop: () => undefined,
})

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
