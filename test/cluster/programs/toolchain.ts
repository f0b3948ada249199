/** The go command that everything is built with. */
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../../lab/network/command.ts'
import { bootstrapGo } from '../versions.ts'
import { cached } from './cache.ts'

/** From this on, go itself brings the toolchain that a module asks for. */
const selfBringing = 21

/**
 * The machine's own where it can bring newer ones by itself. Debian 12's cannot, but it can fetch one as the module
 * that newer ones fetch it as (go.dev/doc/toolchain); what is left to do is to make its programs executable.
 */
export async function goProgram(): Promise<string> {
  const version = (await run(['go', 'env', 'GOVERSION'])).trim()
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? selfBringing)
  if (minor >= selfBringing) return 'go'
  const folder = await cached(`go-${bootstrapGo}`, (partial) => fetchToolchain(partial, version))
  return join(folder, 'bin/go')
}

async function fetchToolchain(folder: string, version: string): Promise<void> {
  process.stdout.write(`[cluster] this machine's ${version} is too old: fetching go${bootstrapGo}\n`)
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const module = `golang.org/toolchain@v0.0.1-go${bootstrapGo}.linux-${architecture}`
  const { Dir } = JSON.parse(await run(['go', 'mod', 'download', '-json', module], { timeoutMs: 600_000 }))
  execFileSync('cp', ['-r', '--no-preserve=mode', `${Dir}/.`, folder])
  for (const programs of ['bin', `pkg/tool/linux_${architecture}`]) {
    for (const name of readdirSync(join(folder, programs))) chmodSync(join(folder, programs, name), 0o755)
  }
}
