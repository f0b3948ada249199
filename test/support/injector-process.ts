/** `vxtap injector` as the program that it is: plain Node, environment, log lines, signals. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { makeCertificate, type TestCertificate } from './certificates.ts'

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

export interface InjectorProcess {
  readonly child: ChildProcess
  readonly port: number
  readonly metricsPort: number
  readonly certificate: TestCertificate
  readonly log: readonly Record<string, unknown>[]
  /** Sends SIGTERM unless a signal was sent or it ended already, waits for the end, removes the files. @returns the exit code */
  stop(): Promise<number | null>
}

/** @throws where it ends before it serves, with what it said. */
export async function startInjectorProcess(
  environment: Record<string, string> = {},
  flags: readonly string[] = ['--no-cluster'],
): Promise<InjectorProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'vxtap-injector-'))
  const certificate = makeCertificate()
  await writeFile(join(directory, 'tls.crt'), certificate.cert)
  await writeFile(join(directory, 'tls.key'), certificate.key)
  const child = spawn(process.execPath, [program, 'injector', ...flags], {
    env: {
      PATH: process.env['PATH'],
      IMAGE: 'example.com/vxtap:9.9.9',
      DEFAULT_SENSOR: 'zeek',
      NATIVE_SIDECARS: 'always',
      LISTEN_ADDRESS: '127.0.0.1:0',
      METRICS_ADDRESS: '127.0.0.1:0',
      TLS_CERT_FILE: join(directory, 'tls.crt'),
      TLS_KEY_FILE: join(directory, 'tls.key'),
      DRAIN_SECONDS: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit') as Promise<[number | null]>
  const log: Record<string, unknown>[] = []
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  const serving = new Promise<Record<string, unknown>>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>
      log.push(entry)
      if (entry['msg'] === 'serving the webhook') resolve(entry)
    })
  })
  const first = await Promise.race([serving, ended.then(([code]) => code)])
  if (typeof first !== 'object' || first === null) {
    await rm(directory, { recursive: true })
    throw new Error(`exit code ${first}: ${complaint}`)
  }
  return {
    child,
    port: Number(first['port']),
    metricsPort: Number(first['metricsPort']),
    certificate,
    log,
    async stop() {
      if (child.exitCode === null && !child.killed) child.kill('SIGTERM')
      const [code] = await ended
      await rm(directory, { recursive: true, force: true })
      return code
    },
  }
}
