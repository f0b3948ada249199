/** The injector as its image runs it, and the echo beside it: processes of their own, so that neither pays for the client. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createAuthority } from '../../lab/certificates.ts'
import { nodeOptions } from '../../test/support/chart-memory.ts'
import type { Server } from './client.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Servers {
  readonly injector: Server & { readonly pid: number; metrics(): Promise<ReadonlyMap<string, number>> }
  readonly echo: Server
  stop(): Promise<void>
}

export async function startServers(): Promise<Servers> {
  // Memory where there is such a folder: a container's log is a pipe, which no disk is behind.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vxtap-bench-'))
  const authority = createAuthority('vxtap bench')
  const leaf = authority.issue({ commonName: 'localhost', names: ['localhost'] })
  const files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
  writeFileSync(files.certificate, leaf.certificate)
  writeFileSync(files.key, leaf.key)

  // Into a file, as a container's log ends: a pipe would have to be emptied by the client, at the client's expense.
  const log = join(folder, 'injector.log')
  const injector = spawn(process.execPath, [join(root, 'dist/vxtap.mjs'), 'injector', '--no-cluster'], {
    env: {
      NODE_OPTIONS: nodeOptions,
      IMAGE: 'registry.example.com/vxtap:0.1.0',
      DEFAULT_SENSOR: 'zeek',
      NATIVE_SIDECARS: 'always',
      LISTEN_ADDRESS: '127.0.0.1:0',
      METRICS_ADDRESS: '127.0.0.1:0',
      TLS_CERT_FILE: files.certificate,
      TLS_KEY_FILE: files.key,
      DRAIN_SECONDS: '0',
    },
    stdio: ['ignore', openSync(log, 'w'), 'inherit'],
  })
  const serving = await lineOf(injector, log, 'serving the webhook')
  const { port, metricsPort } = JSON.parse(serving) as { readonly port: number; readonly metricsPort: number }

  const echo = spawn(process.execPath, [join(root, 'bench/injector/echo.ts'), files.certificate, files.key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const echoPort = Number(await firstLine(echo, ''))
  const ca = authority.certificate
  return {
    injector: { port, ca, pid: injector.pid ?? 0, metrics: () => metricsOf(metricsPort) },
    echo: { port: echoPort, ca },
    async stop() {
      for (const child of [injector, echo]) {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function lineOf(child: ChildProcess, file: string, wanted: string): Promise<string> {
  for (;;) {
    const line = readFileSync(file, 'utf8')
      .split('\n')
      .find((each) => each.includes(wanted))
    if (line !== undefined) return line
    if (child.exitCode !== null) throw new Error(`the injector ended with ${child.exitCode} before it served`)
    await setTimeout(50)
  }
}

async function firstLine(child: ChildProcess, wanted: string): Promise<string> {
  const lines = createInterface(child.stdout!)
  const found = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => line.includes(wanted) && resolve(line))
    child.once('exit', (code) => reject(new Error(`a server of the benchmark ended with ${code} before it served`)))
  })
  lines.close()
  return found
}

async function metricsOf(port: number): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return new Map([...text.matchAll(/^(\S+) (\S+)$/gm)].map((match) => [match[1]!, Number(match[2])]))
}
