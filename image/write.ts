/** Writes the entries of an archive as files and folders. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TarEntry } from './tar.ts'

/** @param folder must not have any of the entries yet, except for folders */
export function writeRoot(folder: string, entries: readonly TarEntry[]): void {
  mkdirSync(folder, { recursive: true })
  for (const entry of entries) {
    const path = join(folder, entry.path)
    mkdirSync(dirname(path), { recursive: true })
    if (entry.kind === 'link') {
      symlinkSync(entry.target, path)
    } else if (entry.kind === 'folder') {
      mkdirSync(path, { recursive: true })
      // mkdir takes the umask away from the mode, chmod does not.
      chmodSync(path, entry.mode ?? 0o755)
    } else {
      writeFileSync(path, entry.content)
      chmodSync(path, entry.mode ?? 0o644)
    }
  }
}
