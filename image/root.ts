/**
 * What is in the image of injector and sidecar: Node without its symbols, the libraries that it and libpcap need, our
 * bundle, koffi with its prebuilt library, and everybody's licences. No shell and no package manager. No certificates
 * of authorities either: both programs trust the cluster's, which the service account brings.
 */
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '../lab/network/command.ts'
import type { Library } from './libraries.ts'
import { type DebianPackage, koffiPackages, type NpmPackage } from './packages.ts'
import type { TarEntry } from './tar.ts'

export async function runtimeEntries(
  node: string,
  libraries: readonly Library[],
  packages: readonly DebianPackage[],
): Promise<TarEntry[]> {
  const entries = [
    executable('/usr/local/bin/node', await stripped(node)),
    ...libraries.map(({ from, to }) => executable(to, readFileSync(from))),
    ...accounts,
    ...licence('usr/local/share/doc/node/LICENSE', [
      join(dirname(dirname(node)), 'LICENSE'),
      join(dirname(dirname(node)), 'share/doc/node/LICENSE'),
    ]),
    ...packages.flatMap(({ name }) => {
      const path = `usr/share/doc/${name}/copyright`
      return licence(path, [`/${path}`])
    }),
  ]
  const folders: TarEntry[] = [...foldersOf(entries), { path: 'tmp', kind: 'folder', mode: 0o1777 }]
  return [...folders, ...linksOf(libraries), ...entries.sort(byPath)]
}

/** @param inventory a CycloneDX document, named as scanners look for it */
export function applicationEntries(checkout: string, npm: readonly NpmPackage[], inventory: Buffer): TarEntry[] {
  const entries = [
    ...filesUnder(checkout, 'dist').filter(({ path }) => path.endsWith('.mjs')),
    ...koffiPackages(checkout).flatMap((folder) => filesUnder(checkout, folder).filter(isRun)),
    ...npm.flatMap(({ folder, name }) => {
      const found = readdirSync(join(checkout, folder)).find((file) => /^(un)?licen[cs]e/i.test(file))
      return found === undefined ? [] : licence(`licenses/${name}`, [join(checkout, folder, found)])
    }),
    ...licence('LICENSE', [join(checkout, 'LICENSE')]),
    { path: 'sbom.cdx.json', kind: 'file' as const, content: inventory },
  ]
  const unique = new Map(entries.map((entry) => [entry.path, { ...entry, path: `app/${entry.path}` }]))
  return [...foldersOf([...unique.values()]), ...[...unique.values()].sort(byPath)]
}

async function stripped(node: string): Promise<Buffer> {
  const work = mkdtempSync(join(tmpdir(), 'vxtap-image-'))
  try {
    await run(['strip', '-o', join(work, 'node'), node], { timeoutMs: 60_000 })
    return readFileSync(join(work, 'node'))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** /lib -> usr/lib and its like, where this machine has them: programs name their loader by such a path. */
function linksOf(libraries: readonly Library[]): TarEntry[] {
  const tops = new Set(libraries.map(({ from }) => from.split('/')[1] ?? ''))
  return [...tops]
    .sort()
    .filter((path) => lstatSync(`/${path}`).isSymbolicLink())
    .map((path) => ({ path, kind: 'link', target: readlinkSync(`/${path}`) }))
}

const executable = (path: string, content: Buffer): TarEntry => ({
  path: path.replace(/^\//, ''),
  kind: 'file',
  content,
  mode: 0o755,
})

const text = (path: string, content: string): TarEntry => ({ path, kind: 'file', content: Buffer.from(content) })

const accounts: readonly TarEntry[] = [
  text('etc/passwd', 'root:x:0:0:root:/:/sbin/nologin\nvxtap:x:65532:65532:vxtap:/:/sbin/nologin\n'),
  text('etc/group', 'root:x:0:\nvxtap:x:65532:\n'),
  // Without it glibc asks the name server before it reads /etc/hosts.
  text('etc/nsswitch.conf', 'hosts: files dns\n'),
]

/** The first of the files that is there: distributions keep licences in different places, and some leave them out. */
function licence(path: string, files: readonly string[]): TarEntry[] {
  const file = files.find((candidate) => existsSync(candidate))
  return file === undefined ? [] : [{ path, kind: 'file', content: readFileSync(file) }]
}

/** koffi brings its C++ sources too, its installer, and a library for musl. */
const isRun = ({ path }: TarEntry): boolean =>
  /\.(c?js|json|node)$/.test(path) && !/\/(musl_\w+|vendor|doc|cnoke\.cjs)(\/|$)/.test(path)

function filesUnder(checkout: string, folder: string): TarEntry[] {
  return readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(join(checkout, path)).isFile())
    .map((path) => ({ path, kind: 'file', content: readFileSync(join(checkout, path)) }))
}

/** The folders that the entries are in, outermost first. */
function foldersOf(entries: readonly TarEntry[]): TarEntry[] {
  const folders = new Set<string>()
  for (const { path } of entries) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder)
  }
  return [...folders].sort().map((path) => ({ path, kind: 'folder' }))
}

/** Folders are read in the order of the file system; the archive is the same on every machine. */
const byPath = (one: TarEntry, other: TarEntry): number => (one.path < other.path ? -1 : 1)
