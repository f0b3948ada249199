/** Where Node, libraries and prebuilt packages of an image come from: this machine, or what is fetched for another. */
import { join } from 'node:path'
import { type Architecture, ownArchitecture } from './architectures.ts'
import { type Library, runtimeLibraries } from './libraries.ts'
import { type DebianPackage, debianPackages, type LooseFile, prebuiltKoffi } from './packages.ts'

export interface Origin {
  readonly architecture: Architecture
  /** The program, of the same version as the one that this runs on. */
  readonly node: string
  /** strip for that architecture, with what must stand before it. */
  readonly strip: readonly string[]
  /** koffi's package with the library for that architecture. */
  readonly koffi: string
  /** Folder that the libraries' paths and the packages' licences are in; empty for this machine's own. */
  readonly root: string
  readonly libraries: readonly Library[]
  readonly packages: readonly DebianPackage[]
  readonly loose: readonly LooseFile[]
}

/** @param node the program whose version this process has */
export async function thisMachine(checkout: string, node: string = process.execPath): Promise<Origin> {
  const architecture = ownArchitecture()
  const koffi = join(checkout, prebuiltKoffi(architecture))
  const libraries = await runtimeLibraries(node, [koffi])
  const { packages, loose } = await debianPackages(libraries)
  return {
    architecture,
    node,
    strip: ['strip'],
    koffi,
    root: '',
    libraries,
    packages,
    loose,
  }
}
