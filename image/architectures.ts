/** The architectures that an image is made for, and what each is called by whom. */

/** As OCI and Debian say it. */
export type Architecture = 'amd64' | 'arm64'

interface Names {
  /** Node's process.arch, which npm's platform packages are named by. */
  readonly node: string
  /** GNU's name of the platform: Debian's library folder, and the start of its cross tools' names. */
  readonly gnu: string
  /** The dynamic linker, beside the other libraries. */
  readonly loader: string
}

export const architectures: Readonly<Record<Architecture, Names>> = {
  amd64: { node: 'x64', gnu: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { node: 'arm64', gnu: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
}

const all = Object.keys(architectures) as Architecture[]

/** @throws Error on a machine of another kind, where no image is made at all */
export function ownArchitecture(nodeArch: string = process.arch): Architecture {
  const own = all.find((name) => architectures[name].node === nodeArch)
  if (own === undefined) throw new Error(`this machine is ${nodeArch}: images are made on ${all.join(' and ')}`)
  return own
}

/** @param text `amd64`, `arm64` or `all`; nothing for this machine's own. @throws Error that names what there is */
export function architecturesOf(text: string | undefined, own: Architecture = ownArchitecture()): Architecture[] {
  if (text === undefined || text === '') return [own]
  if (text === 'all') return all
  const named = all.find((name) => name === text)
  if (named === undefined) throw new Error(`ARCH is "${text}": it may be ${[...all, 'all'].join(', ')}`)
  return [named]
}
