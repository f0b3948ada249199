/** Packages of Debian unpacked into a folder: nothing is installed, no service starts, no other containerd is replaced. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../../lab/network/command.ts'

const packages = ['containerd', 'runc', 'containernetworking-plugins']

export async function unpackDebian(folder: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'vxtap-deb-'))
  try {
    process.stdout.write(`[cluster] fetching Debian's ${packages.join(', ')}\n`)
    await run(['apt-get', 'update'], { timeoutMs: 300_000 })
    // apt's own sandbox user could not write here.
    const fetch = `cd "$0" && apt-get -o APT::Sandbox::User=root download ${packages.join(' ')}`
    await run(['sh', '-c', fetch, work], { timeoutMs: 300_000 })
    for (const file of readdirSync(work)) await run(['dpkg-deb', '-x', join(work, file), folder], { timeoutMs: 60_000 })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
