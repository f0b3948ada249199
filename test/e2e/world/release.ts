/** The installed chart. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../../lab/network/command.ts'
import { imageOptions, imageRepository } from './images.ts'

export const release = 'vxtap'
export const releaseNamespace = 'vxtap'
const root = fileURLToPath(new URL('../../..', import.meta.url))
export const chart = join(root, 'charts/vxtap')
/** What docs/install.md installs it for: which sensors, found where, by the taps of which namespace. */
export const documented = { sensor: 'zeek', sensors: 'sensors', applications: 'shop' } as const

export function helm(...args: readonly string[]): Promise<string> {
  return run(['helm', ...args], { timeoutMs: 180_000 })
}

/** The command in docs/install.md, word for word but for the registry. */
export function helmInstall(): Promise<string> {
  const document = readFileSync(join(root, 'docs/install.md'), 'utf8')
  const command = /^```sh\n(helm install vxtap [^`]*)```$/m.exec(document)?.[1]
  if (command === undefined) throw new Error('docs/install.md has no helm install command any more')
  const named = `${command.trimEnd().replaceAll('REGISTRY/vxtap', imageRepository)} "$@"`
  return run(['sh', '-euc', `cd "$0"\n${named}`, root, ...imageOptions()], {
    timeoutMs: 180_000,
  })
}
