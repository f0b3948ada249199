/** Packages of Debian for any architecture, fetched by an apt that has nothing in common with the machine's but its sources. */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lab/network/command.ts'
import type { Architecture } from './architectures.ts'
import type { Library } from './libraries.ts'
import { type DebianPackage, packageLine, packagesIn } from './packages.ts'

const fetchTimeoutMs = 600_000

/**
 * Fetches the packages and all that they depend on, as if nothing were installed.
 * @param own architecture of packages that are named without one
 * @returns the files: NAME_VERSION_ARCHITECTURE.deb
 */
export async function fetchDebian(
  own: Architecture,
  other: Architecture,
  packages: readonly string[],
  work: string,
): Promise<string[]> {
  const state = join(work, 'apt')
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(state, folder), { recursive: true })
  writeFileSync(join(state, 'status'), '')
  const settings = [
    `APT::Architecture=${own}`,
    `APT::Architectures=${own},${other}`,
    'APT::Install-Recommends=false',
    // apt's own user could not write here.
    'APT::Sandbox::User=root',
    `Dir::State=${state}`,
    `Dir::State::status=${join(state, 'status')}`,
    `Dir::State::lists=${join(state, 'lists')}`,
    `Dir::Cache=${state}`,
    `Dir::Cache::archives=${join(state, 'archives')}`,
  ]
  const apt = ['apt-get', '--quiet', ...settings.flatMap((setting) => ['--option', setting])]
  await run([...apt, 'update'], { timeoutMs: fetchTimeoutMs })
  await run([...apt, '--yes', '--download-only', 'install', ...packages], { timeoutMs: fetchTimeoutMs })
  return readdirSync(join(state, 'archives'))
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .map((name) => join(state, 'archives', name))
}

/** Unpacks them as an installed Debian has them: /lib and /lib64 are links to the folders in /usr. */
export async function unpackDebian(files: readonly string[], root: string): Promise<void> {
  for (const file of files) await run(['dpkg-deb', '--extract', file, root], { timeoutMs: 60_000 })
  for (const name of readdirSync(root).filter((entry) => /^lib\d*$/.test(entry))) {
    cpSync(join(root, name), join(root, 'usr', name), { recursive: true, verbatimSymlinks: true })
    rmSync(join(root, name), { recursive: true })
    symlinkSync(join('usr', name), join(root, name))
  }
}

/** The packages that brought the libraries, each once. */
export async function packagesWith(files: readonly string[], libraries: readonly Library[]): Promise<DebianPackage[]> {
  const paths = new Set(libraries.flatMap(({ from, to }) => [from, to]))
  const packages: DebianPackage[] = []
  for (const file of files) {
    // "-rw-r--r-- root/root  34816 2023-01-14 12:00 ./lib/x86_64-linux-gnu/libgcc_s.so.1", a link with " -> " after it
    const listed = (await run(['dpkg-deb', '--contents', file])).matchAll(/ \.(\/\S+)(?: -> .*)?$/gm)
    if (![...listed].some(([, path = '']) => paths.has(path))) continue
    packages.push(...packagesIn(await run(['dpkg-deb', '--show', `--showformat=${packageLine}`, file])))
  }
  return packages
}
