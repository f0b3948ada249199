/**
 * What is in the image of injector and sidecar: Node without its symbols, the libraries that it and libpcap need, our
 * bundle, koffi with its prebuilt library, and everybody's licences. No shell and no package manager. No certificates
 * of authorities either: both programs trust the cluster's, which the service account brings.
 */
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '../lab/network/command.ts'
import { fileIn, type Library } from './libraries.ts'
import type { Origin } from './origin.ts'
import { koffi, type NpmPackage, prebuiltKoffi } from './packages.ts'
import type { TarEntry } from './tar.ts'

export async function runtimeEntries({ node, strip, root, libraries, packages }: Origin): Promise<TarEntry[]> {
  const entries = [
    executable('/usr/local/bin/node', await stripped(strip, node)),
    ...libraries.map(({ from, to }) => executable(to, readFileSync(fileIn(root, from)))),
    ...accounts,
    ...licence('usr/local/share/doc/node/LICENSE', [
      join(dirname(dirname(node)), 'LICENSE'),
      join(dirname(dirname(node)), 'share/doc/node/LICENSE'),
    ]),
    ...packages.flatMap(({ name }) => {
      const path = `usr/share/doc/${name}/copyright`
      return licence(path, [fileIn(root, `/${path}`)])
    }),
  ]
  const folders: TarEntry[] = [...foldersOf(entries), { path: 'tmp', kind: 'folder', mode: 0o1777 }]
  return [...folders, ...linksOf(root, libraries), ...entries.sort(byPath)]
}

/** @param inventory a CycloneDX document, named as scanners look for it */
export function applicationEntries(
  checkout: string,
  origin: Origin,
  npm: readonly NpmPackage[],
  inventory: Buffer,
): TarEntry[] {
  const prebuilt = prebuiltKoffi(origin.architecture)
  const entries = [
    ...filesUnder(join(checkout, 'dist'), 'dist').filter(({ path }) => path.endsWith('.mjs')),
    ...filesUnder(join(checkout, koffi), koffi).filter(isRun),
    ...filesUnder(origin.koffi, prebuilt).filter(isRun),
    // koffi's platform packages have none of their own.
    ...npm
      .filter(({ folder }) => folder !== prebuilt)
      .flatMap(({ folder, name }) => {
        const found = readdirSync(join(checkout, folder)).find((file) => /^(un)?licen[cs]e/i.test(file))
        return found === undefined ? [] : licence(`licenses/${name}`, [join(checkout, folder, found)])
      }),
    ...licence('LICENSE', [join(checkout, 'LICENSE')]),
    { path: 'sbom.cdx.json', kind: 'file' as const, content: inventory },
  ]
  const unique = new Map(entries.map((entry) => [entry.path, { ...entry, path: `app/${entry.path}` }]))
  return [...foldersOf([...unique.values()]), ...[...unique.values()].sort(byPath)]
}

async function stripped(strip: readonly string[], node: string): Promise<Buffer> {
  const work = mkdtempSync(join(tmpdir(), 'vxtap-image-'))
  try {
    await run([...strip, '-o', join(work, 'node'), node], { timeoutMs: 60_000 })
    return readFileSync(join(work, 'node'))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** /lib -> usr/lib and its like, where `root` has them: programs name their loader by such a path. */
function linksOf(root: string, libraries: readonly Library[]): TarEntry[] {
  const tops = new Set(libraries.map(({ from }) => from.split('/')[1] ?? ''))
  return [...tops]
    .sort()
    .filter((path) => lstatSync(`${root}/${path}`).isSymbolicLink())
    .map((path) => ({ path, kind: 'link', target: readlinkSync(`${root}/${path}`) }))
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

/** @param place where they go in the image */
function filesUnder(folder: string, place: string): TarEntry[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => ({ path: join(place, name), kind: 'file', content: readFileSync(join(folder, name)) }))
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
