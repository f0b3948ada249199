/** Shared libraries of this machine, for an image that has nothing but them and the programs that need them. */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { run } from '../../../lab/network/command.ts'
import type { TarEntry } from './tar.ts'

/** Every library that the files need, theirs too, at the paths where the dynamic linker finds them. */
export async function librariesOf(files: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const file of files) {
    // "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)", or "/lib64/ld-linux-x86-64.so.2 (0x...)"
    const listed = await run(['ldd', file])
    for (const match of listed.matchAll(/(?:=>\s*|^\s*)(\/\S+) \(0x/gm)) found.add(match[1] ?? '')
  }
  return [...found].sort()
}

/** libpcap as the linker's cache knows it. */
export async function findLibrary(soname: string): Promise<string> {
  const cache = await run(['ldconfig', '-p'])
  const line = cache.split('\n').find((text) => text.trim().startsWith(`${soname} `))
  const path = line?.split(' => ')[1]
  if (path === undefined) throw new Error(`${soname} is not on this machine: run make setup`)
  return path
}

export function fileEntries(files: readonly { readonly from: string; readonly to: string }[]): TarEntry[] {
  return files.map(({ from, to }) => ({
    path: to.replace(/^\//, ''),
    kind: 'file',
    content: readFileSync(from),
    mode: 0o755,
  }))
}

/** The folders that the entries are in, outermost first. */
export function foldersOf(entries: readonly TarEntry[]): TarEntry[] {
  const folders = new Set<string>()
  for (const { path } of entries) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder)
  }
  return [...folders].sort().map((path) => ({ path, kind: 'folder' }))
}
