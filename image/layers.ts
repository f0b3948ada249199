/** The image as two layers' entries: what Node and Debian bring, and what is ours. */
import { readFileSync } from 'node:fs'
import { version } from '../contract/version.ts'
import type { Architecture } from './architectures.ts'
import { type Origin, thisMachine } from './origin.ts'
import { npmPackages } from './packages.ts'
import { applicationEntries, runtimeEntries } from './root.ts'
import { sbom } from './sbom.ts'
import type { TarEntry } from './tar.ts'

export interface ImageContents {
  readonly architecture: Architecture
  /** Changes with Node and Debian's libraries alone, so that nodes keep this layer over releases. */
  readonly runtime: readonly TarEntry[]
  readonly application: readonly TarEntry[]
  /** CycloneDX, as the application layer has it too. */
  readonly inventory: Buffer
}

/**
 * @param checkout with its dist/ made by scripts/bundle.ts, the same for every architecture
 * @param from this machine unless told otherwise
 */
export async function imageContents(checkout: string, from?: Origin): Promise<ImageContents> {
  const origin = from ?? (await thisMachine(checkout))
  const npm = npmPackages(checkout, origin.architecture)
  const document = sbom({
    version,
    node: process.versions.node,
    npm,
    debian: origin.packages,
    distribution: distribution(readFileSync('/etc/os-release', 'utf8')),
    loose: origin.loose,
  })
  const inventory = Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`)
  return {
    architecture: origin.architecture,
    runtime: await runtimeEntries(origin),
    application: applicationEntries(checkout, origin, npm, inventory),
    inventory,
  }
}

/** As package URLs name it: debian-12. */
function distribution(osRelease: string): string {
  const value = (name: string): string => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(osRelease)?.[1] ?? ''
  return [value('ID') || 'linux', value('VERSION_ID')].filter(Boolean).join('-')
}
