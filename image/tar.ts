/** Writes tar archives (POSIX.1-1988 ustar) in memory, the same bytes for the same input. */

export type TarEntry =
  | { readonly path: string; readonly kind: 'file'; readonly content: Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly kind: 'folder'; readonly mode?: number }
  | { readonly path: string; readonly kind: 'link'; readonly target: string }

const blockBytes = 512
const typeFlags = { file: '0', link: '2', folder: '5' } as const

/**
 * Everything belongs to user 0 and is from 1970, so that an archive depends on nothing but its content.
 * @throws Error for a path that ustar has no room for
 */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  const parts: Uint8Array[] = []
  for (const entry of entries) {
    const content = entry.kind === 'file' ? entry.content : new Uint8Array(0)
    parts.push(header(entry, content.length), content, Buffer.alloc(padding(content.length)))
  }
  // The end: two empty blocks.
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)])
}

const padding = (length: number): number => (blockBytes - (length % blockBytes)) % blockBytes

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(blockBytes)
  const mode = entry.kind === 'link' ? 0o777 : (entry.mode ?? (entry.kind === 'folder' ? 0o755 : 0o644))
  const path = entry.kind === 'folder' ? `${entry.path}/` : entry.path
  const { name, prefix } = splitPath(path)
  block.write(name, 0)
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(0, 12), 136)
  // The checksum is taken with blanks in its own place.
  block.fill(' ', 148, 156)
  block.write(typeFlags[entry.kind], 156)
  if (entry.kind === 'link') block.write(entry.target, 157)
  block.write('ustar\0', 257)
  block.write('00', 263)
  block.write(prefix, 345)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

/** ustar has 100 bytes for the name and 155 for the folders before it. */
function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' }
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const prefix = path.slice(0, at)
    const name = path.slice(at + 1)
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100 && name !== '') return { name, prefix }
  }
  throw new Error(`${path} is too long for a tar archive: 100 bytes for the name, 155 for the folders before it`)
}
