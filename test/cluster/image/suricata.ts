/**
 * Suricata as an image: the program and a shell, what they load and its data, a sixth of the root
 * file system that scripts/suricata-root.sh brought. Kept in the cache for as long as none of it changes.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { imageArchive, layerOf } from '../../../image/oci.ts'
import type { TarEntry } from '../../../image/tar.ts'
import { run } from '../../../lab/network/command.ts'
import { cached } from '../programs/cache.ts'
import { suricataImage } from './names.ts'

const programs = ['/usr/bin/suricata', '/usr/bin/dash']
const files = [
  ...['classification.config', 'reference.config', 'threshold.config'].map((name) => `/etc/suricata/${name}`),
  // Without it, Suricata does not start to log files.
  '/usr/share/misc/magic.mgc',
]

/** Programs name their loader, and dash is named, by such a path. */
const links: readonly TarEntry[] = [
  { path: 'lib', kind: 'link', target: 'usr/lib' },
  { path: 'lib64', kind: 'link', target: 'usr/lib64' },
  { path: 'bin', kind: 'link', target: 'usr/bin' },
  { path: 'usr/bin/sh', kind: 'link', target: 'dash' },
]

/**
 * The OCI archive.
 * @param root a file system of Debian with Suricata
 */
export async function suricataArchive(root: string): Promise<string> {
  const entries = [...links, ...(await filesOf(root))]
  const hash = createHash('sha256')
  for (const entry of entries) hash.update(JSON.stringify({ ...entry, content: '' })).update(contentOf(entry))
  const folder = await cached(`image-suricata-${hash.digest('hex').slice(0, 16)}`, async (partial) => {
    const archive = imageArchive(suricataImage, [layerOf(entries)], { entrypoint: ['suricata'] })
    writeFileSync(join(partial, 'suricata.tar'), archive)
  })
  return join(folder, 'suricata.tar')
}

const contentOf = (entry: TarEntry): Uint8Array => (entry.kind === 'file' ? entry.content : new Uint8Array(0))

async function filesOf(root: string): Promise<TarEntry[]> {
  // "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)", or "/lib64/ld-linux-x86-64.so.2 (0x...)"
  const listed = await run(['chroot', root, 'ldd', ...programs])
  const lost = /^\s*(\S+) => not found/m.exec(listed)?.[1]
  if (lost !== undefined) throw new Error(`Suricata needs ${lost}, which is not in ${root}: remove that folder`)
  const libraries = [...listed.matchAll(/(?:=>\s*|^\s*)(\/\S+) \(0x/gm)].map((match) => match[1] ?? '')
  const executables = [...programs, ...new Set(libraries)].map((path) => fileAt(root, path, 0o755))
  return [...executables, ...files.map((path) => fileAt(root, path, 0o644))]
}

const fileAt = (root: string, path: string, mode: number): TarEntry => ({
  path: path.replace(/^\/(?=lib(64)?\/)/, '/usr/').slice(1),
  kind: 'file',
  content: readFileSync(join(root, path)),
  mode,
})
