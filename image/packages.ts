/** Whose files are in the image: npm packages by the bundle's own list, Debian packages by what the libraries are from. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lab/network/command.ts'
import { type Architecture, architectures } from './architectures.ts'
import type { Library } from './libraries.ts'

export interface NpmPackage {
  /** In the checkout: node_modules/ajv/node_modules/fast-uri. */
  readonly folder: string
  readonly name: string
  readonly version: string
  /** An SPDX identifier or expression. */
  readonly license?: string
  /** Subresource integrity: sha512-(base64). */
  readonly integrity?: string
}

export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** The source package, which Debian's security advisories name. */
  readonly source: string
}

/** A library that no Debian package has brought. */
export interface LooseFile {
  readonly path: string
  readonly sha256: string
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { version?: string; license?: string; integrity?: string }>>
}

/** npm's own `npm sbom` leaves out what is a dependency of ours and an optional peer of a development package too. */
export function npmPackages(checkout: string, architecture: Architecture): NpmPackage[] {
  const list = join(checkout, 'dist/packages.json')
  if (!existsSync(list)) throw new Error('dist/ has no bundle: run make build')
  const bundled: string[] = JSON.parse(readFileSync(list, 'utf8'))
  return [...bundled, koffi, prebuiltKoffi(architecture)].sort().map((folder) => lockedPackage(checkout, folder))
}

/** koffi stays outside of the bundle: it finds its library, which is built already, in a package beside it. */
export const koffi = 'node_modules/koffi'
export const prebuiltKoffi = (architecture: Architecture): string =>
  `node_modules/@koromix/koffi-linux-${architectures[architecture].node}`

/** What package-lock.json says of a folder; it has the packages of other platforms too. */
export function lockedPackage(checkout: string, folder: string): NpmPackage {
  const lock: Lockfile = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8'))
  const locked = lock.packages[folder]
  if (locked?.version === undefined) throw new Error(`${folder} is not in package-lock.json: run npm install`)
  return {
    folder,
    name: folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version: locked.version,
    ...(locked.license === undefined ? {} : { license: locked.license }),
    ...(locked.integrity === undefined ? {} : { integrity: locked.integrity }),
  }
}

/** How dpkg-query and dpkg-deb are asked for what `packagesIn` reads. */
export const packageLine = `${['Package', 'Version', 'Architecture', 'source:Package'].map((field) => `\${${field}}`).join(' ')}\\n`

export function packagesIn(lines: string): DebianPackage[] {
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name = '', version = '', architecture = '', source = ''] = line.split(' ')
      return { name, version, architecture, source }
    })
}

/** @throws CommandError where there is no dpkg: the image is made of Debian's libraries */
export async function debianPackages(
  libraries: readonly Library[],
): Promise<{ packages: DebianPackage[]; loose: LooseFile[] }> {
  // dpkg knows a file by the one name that its package gave it, on either side of the link /lib; the other fails.
  const search = ['sh', '-c', 'dpkg-query --search "$@" 2>/dev/null || test $? = 1', 'sh']
  const owners = new Map<string, string>()
  for (const line of (await run([...search, ...libraries.flatMap(({ from, to }) => [from, to])])).split('\n')) {
    const match = /^(\S+): (\S+)$/.exec(line)
    if (match) owners.set(match[2]!, match[1]!)
  }
  const ownerOf = ({ from, to }: Library): string | undefined => owners.get(from) ?? owners.get(to)
  const names = new Set(libraries.flatMap((library) => ownerOf(library) ?? []))
  const shown = names.size === 0 ? '' : await run(['dpkg-query', '--show', `--showformat=${packageLine}`, ...names])
  return {
    packages: packagesIn(shown),
    loose: libraries
      .filter((library) => ownerOf(library) === undefined)
      .map(({ to }) => ({ path: to, sha256: createHash('sha256').update(readFileSync(to)).digest('hex') })),
  }
}
