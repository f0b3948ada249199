/** The image of injector and sidecar: Node without its symbols, the libraries it and libpcap need, and our bundle. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../../lab/network/command.ts'
import { fileEntries, findLibrary, foldersOf, librariesOf } from './libraries.ts'
import { type Layer, layerOf } from './oci.ts'
import type { TarEntry } from './tar.ts'

/** Changes with Node and the machine's libraries alone. */
export async function runtimeLayer(node: string): Promise<Layer> {
  const work = mkdtempSync(join(tmpdir(), 'vxtap-image-'))
  try {
    const stripped = join(work, 'node')
    await run(['strip', '-o', stripped, node], { timeoutMs: 60_000 })
    const files = fileEntries(
      (await runtimeFiles(node)).map(({ from, to }) => ({ from: from === node ? stripped : from, to })),
    )
    const entries = [...files, ...accounts]
    return layerOf([...foldersOf(entries), { path: 'tmp', kind: 'folder', mode: 0o1777 }, ...entries])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Node and every library that it, or the sidecar's FILTER, loads: where each is, and where the image has it. */
export async function runtimeFiles(node: string): Promise<{ from: string; to: string }[]> {
  const pcap = await findLibrary('libpcap.so.0.8')
  const libraries = new Set([...(await librariesOf([node, pcap])), pcap])
  return [{ from: node, to: '/usr/local/bin/node' }, ...[...libraries].map((path) => ({ from: path, to: path }))]
}

const text = (path: string, content: string): TarEntry => ({ path, kind: 'file', content: Buffer.from(content) })

const accounts: readonly TarEntry[] = [
  text('etc/passwd', 'root:x:0:0:root:/:/sbin/nologin\nvxtap:x:65532:65532:vxtap:/:/sbin/nologin\n'),
  text('etc/group', 'root:x:0:\nvxtap:x:65532:\n'),
  // Without it glibc asks the name server before it reads /etc/hosts.
  text('etc/nsswitch.conf', 'hosts: files dns\n'),
]

/** The bundle, and koffi with its prebuilt library, as the Containerfile has them. */
export function applicationLayer(root: string): Layer {
  const files = [
    ...filesUnder(join(root, 'dist'), 'app/dist'),
    ...filesUnder(join(root, 'node_modules/koffi'), 'app/node_modules/koffi').filter(isRun),
    ...prebuilt(root),
  ]
  return layerOf([...foldersOf(files), ...files])
}

function prebuilt(root: string): TarEntry[] {
  const scope = join(root, 'node_modules/@koromix')
  return readdirSync(scope)
    .filter((name) => name.startsWith('koffi-linux-'))
    .flatMap((name) => filesUnder(join(scope, name), `app/node_modules/@koromix/${name}`))
    .filter(isRun)
}

/** koffi brings its own sources, and a library for musl. */
const isRun = ({ path }: TarEntry): boolean => /\.(c?js|json|node)$/.test(path) && !path.includes('/musl_')

function filesUnder(folder: string, to: string): TarEntry[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => ({ path: `${to}/${name}`, kind: 'file', content: readFileSync(join(folder, name)) }))
}
