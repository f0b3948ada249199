/** The image as two layers' entries: what Node and Debian bring, and what is ours. */
import { readFileSync } from 'node:fs'
import { version } from '../contract/version.ts'
import { runtimeLibraries } from './libraries.ts'
import { debianPackages, koffiPackages, npmPackages } from './packages.ts'
import { applicationEntries, runtimeEntries } from './root.ts'
import { sbom } from './sbom.ts'
import type { TarEntry } from './tar.ts'

export interface ImageContents {
  /** Changes with Node and the machine's libraries alone, so that nodes keep this layer over releases. */
  readonly runtime: readonly TarEntry[]
  readonly application: readonly TarEntry[]
  /** CycloneDX, as the application layer has it too. */
  readonly inventory: Buffer
}

/**
 * @param checkout with its dist/ made by scripts/bundle.ts
 * @param node the program whose version this process has
 */
export async function imageContents(checkout: string, node: string = process.execPath): Promise<ImageContents> {
  const libraries = await runtimeLibraries(
    node,
    koffiPackages(checkout).map((folder) => `${checkout}/${folder}`),
  )
  const { packages, loose } = await debianPackages(libraries)
  const npm = npmPackages(checkout)
  const document = sbom({
    version,
    node: process.versions.node,
    npm,
    debian: packages,
    distribution: distribution(readFileSync('/etc/os-release', 'utf8')),
    loose,
  })
  const inventory = Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`)
  return {
    runtime: await runtimeEntries(node, libraries, packages),
    application: applicationEntries(checkout, npm, inventory),
    inventory,
  }
}

/** As package URLs name it: debian-12. */
function distribution(osRelease: string): string {
  const value = (name: string): string => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(osRelease)?.[1] ?? ''
  return [value('ID') || 'linux', value('VERSION_ID')].filter(Boolean).join('-')
}
