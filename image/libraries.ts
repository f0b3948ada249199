/** Shared libraries of this machine, for an image that has nothing but them and the programs that need them. */
import { globSync, lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { run } from '../lab/network/command.ts'

/** What FILTER expressions are compiled by, loaded when there is one. */
export const libpcap = 'libpcap.so.0.8'

export interface Library {
  /** As the dynamic linker names it. */
  readonly from: string
  /** The same, its folder without symbolic links: /usr/lib/... where /lib is one. */
  readonly to: string
}

/**
 * Every library that Node, native packages or the sidecar's FILTER load.
 * @param nativePackages folders whose libraries for glibc count too
 */
export async function runtimeLibraries(node: string, nativePackages: readonly string[]): Promise<Library[]> {
  const pcap = await findLibrary(libpcap)
  const needed = await librariesOf([node, pcap.from, ...nativePackages.flatMap(librariesForGlibc)])
  return [...new Map([...needed, pcap].map((library) => [library.to, library])).values()]
}

/** Of a package that has one folder for each C library. */
export const librariesForGlibc = (folder: string): string[] => globSync(`${folder}/linux_*/*.node`)

/** Every library that the files need, theirs too. */
async function librariesOf(files: readonly string[]): Promise<Library[]> {
  const found = new Set<string>()
  for (const file of files) {
    // "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)", or "/lib64/ld-linux-x86-64.so.2 (0x...)"
    const listed = await run(['ldd', file])
    const lost = /^\s*(\S+) => not found/m.exec(listed)?.[1]
    if (lost !== undefined) throw new Error(`${file} needs ${lost}, which is not on this machine`)
    for (const match of listed.matchAll(/(?:=>\s*|^\s*)(\/\S+) \(0x/gm)) found.add(match[1] ?? '')
  }
  return [...found].sort().map(libraryAt)
}

/** The library as the linker's cache knows it. */
async function findLibrary(soname: string): Promise<Library> {
  const cache = await run(['ldconfig', '-p'])
  const line = cache.split('\n').find((text) => text.trim().startsWith(`${soname} `))
  const path = line?.split(' => ')[1]
  if (path === undefined) throw new Error(`${soname} is not on this machine: run make setup`)
  return libraryAt(path)
}

const libraryAt = (from: string): Library => ({ from, to: join(realpathSync(dirname(from)), basename(from)) })

/** The file that `path` is inside of `root`, where links with a whole path count from. */
export function fileIn(root: string, path: string): string {
  let file = join(root, path)
  while (root !== '' && lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) {
    const target = readlinkSync(file)
    file = target.startsWith('/') ? join(root, target) : resolve(file, '..', target)
  }
  return file
}
