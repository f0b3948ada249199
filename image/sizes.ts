/** How large an image is, what takes it, and whether that is within the bars. */
import { barsMb } from './description.ts'
import type { Layer } from './oci.ts'
import type { TarEntry } from './tar.ts'

export interface ImageSizes {
  /** What a node pulls: the compressed layers. */
  readonly compressed: number
  /** What they take on its disk. */
  readonly unpacked: number
}

export function sizesOf(layers: readonly Layer[]): ImageSizes {
  const total = (size: (layer: Layer) => number): number => layers.reduce((sum, layer) => sum + size(layer), 0)
  return { compressed: total((layer) => layer.compressed.length), unpacked: total((layer) => layer.unpackedBytes) }
}

/** Names of those that are over their bar. */
export function overBars(sizes: ImageSizes): (keyof ImageSizes)[] {
  return (['compressed', 'unpacked'] as const).filter((name) => sizes[name] > barsMb[name] * 1e6)
}

/** Bytes of files by what they are, largest first. */
export function bytesByPart(entries: readonly TarEntry[]): [part: string, bytes: number][] {
  const parts = new Map<string, number>()
  for (const entry of entries) {
    if (entry.kind !== 'file') continue
    const part = partOf(entry.path)
    parts.set(part, (parts.get(part) ?? 0) + entry.content.length)
  }
  return [...parts].sort(([, one], [, other]) => other - one)
}

function partOf(path: string): string {
  if (path === 'usr/local/bin/node') return 'Node'
  if (path.startsWith('app/dist/')) return 'bundle'
  if (path.startsWith('app/node_modules/')) return 'koffi'
  if (/\.so(\.|$)/.test(path)) return 'shared libraries'
  return 'licences, inventory, accounts'
}
