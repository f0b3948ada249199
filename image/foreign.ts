/**
 * What an image for the other architecture is made of, fetched and unpacked into a folder: Node and koffi's library
 * from npm's packages for that platform, Debian's libraries and a strip that knows them from apt. Nothing is installed,
 * nothing of it is run but strip, and apt and dpkg of the machine stay as they are.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { missingPrograms, run } from '../lab/network/command.ts'
import { type Architecture, architectures, ownArchitecture } from './architectures.ts'
import { fetchDebian, packagesWith, unpackDebian } from './debian.ts'
import { fileIn, type Library, libpcap, librariesForGlibc } from './libraries.ts'
import type { Origin } from './origin.ts'
import { lockedPackage, prebuiltKoffi } from './packages.ts'

const fetchTimeoutMs = 600_000

/**
 * @param folder empty; in use for as long as what is returned
 * @throws Error where the machine is not Debian, or a package is not the one of package-lock.json
 */
export async function foreignOrigin(checkout: string, architecture: Architecture, folder: string): Promise<Origin> {
  const missing = missingPrograms(['apt-get', 'dpkg-deb', 'npm', 'readelf', 'tar'])
  if (missing.length > 0) {
    throw new Error(
      `an image for ${architecture} needs ${missing.join(', ')}: make it on Debian, or by the Containerfile`,
    )
  }
  const own = ownArchitecture()
  const { node, gnu } = architectures[architecture]
  const nodeHome = join(folder, 'node')
  const koffi = join(folder, 'koffi')
  const tools = join(folder, 'tools')
  const root = join(folder, 'root')
  await unpackNpm(`node-linux-${node}`, process.versions.node, folder, nodeHome, [
    'package/bin/node',
    'package/LICENSE',
  ])
  const locked = lockedPackage(checkout, prebuiltKoffi(architecture))
  const integrity = await unpackNpm(locked.name, locked.version, folder, koffi)
  if (integrity !== locked.integrity) {
    throw new Error(
      `${locked.name} ${locked.version} is ${integrity}, and not the ${locked.integrity} of package-lock.json`,
    )
  }
  const wanted = ['libc6', 'libstdc++6', 'libpcap0.8'].map((name) => `${name}:${architecture}`)
  const files = await fetchDebian(own, architecture, [...wanted, `binutils-${gnu.replace('_', '-')}`], folder)
  const ofTarget = files.filter((file) => file.endsWith(`_${architecture}.deb`))
  await unpackDebian(ofTarget, root)
  const ofMachine = files.filter((file) => file.endsWith(`_${own}.deb`))
  await unpackDebian(ofMachine, tools)
  const program = join(nodeHome, 'bin/node')
  const libraries = await librariesUnder(root, architecture, [program, ...librariesForGlibc(koffi)])
  return {
    architecture,
    node: program,
    strip: stripUnder(tools, own, gnu),
    koffi,
    root,
    libraries,
    packages: await packagesWith(ofTarget, libraries),
    loose: [],
  }
}

/** @returns the integrity that npm has checked the package's archive against */
async function unpackNpm(
  name: string,
  version: string,
  work: string,
  into: string,
  members: readonly string[] = [],
): Promise<string> {
  const packed = await run(
    ['npm', 'pack', `${name}@${version}`, '--json', '--loglevel=error', `--pack-destination=${work}`],
    {
      timeoutMs: fetchTimeoutMs,
    },
  )
  const [{ filename, integrity }]: [{ filename: string; integrity: string }] = JSON.parse(packed)
  mkdirSync(into)
  await run(['tar', '-xzf', join(work, filename), '--strip-components=1', '-C', into, ...members], {
    timeoutMs: 60_000,
  })
  return integrity
}

/** By its own dynamic linker and libraries: what it needs need not be on the machine. */
function stripUnder(tools: string, own: Architecture, gnu: string): string[] {
  const folder = join(tools, 'usr/lib', architectures[own].gnu)
  return [join(folder, architectures[own].loader), '--library-path', folder, join(tools, 'usr/bin', `${gnu}-strip`)]
}

/**
 * The libraries that the files and libpcap need, and those of theirs, where Debian's packages put them under `root`:
 * ldd would run the dynamic linker, which is of another architecture.
 */
export async function librariesUnder(
  root: string,
  architecture: Architecture,
  files: readonly string[],
): Promise<Library[]> {
  const { gnu, loader } = architectures[architecture]
  const found = new Map<string, Library>()
  const queue = [...files]
  const take = (soname: string, neededBy: string): void => {
    if (found.has(soname)) return
    // Programs name their loader by its path: /lib64/ld-linux-x86-64.so.2, /lib/ld-linux-aarch64.so.1.
    const folders = soname === loader ? ['lib64', 'lib'] : [`lib/${gnu}`]
    const place = folders.find((folder) => existsSync(fileIn(root, `usr/${folder}/${soname}`)))
    if (place === undefined)
      throw new Error(`${basename(neededBy)} needs ${soname}, which no package of Debian brought`)
    found.set(soname, { from: `/${place}/${soname}`, to: `/usr/${place}/${soname}` })
    queue.push(fileIn(root, `/usr/${place}/${soname}`))
  }
  take(libpcap, 'FILTER')
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const dynamic = await run(['readelf', '--dynamic', '--wide', file])
    for (const [, soname = ''] of dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)) take(soname, file)
  }
  return [...found.values()].sort((one, other) => (one.to < other.to ? -1 : 1))
}
