/** The installed chart. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../../lab/network/command.ts'
import { documentedCommand } from '../../support/documented-command.ts'
import { imageOptions, imageRepository } from './images.ts'

export const release = 'vxtap'
export const releaseNamespace = 'vxtap'
const root = fileURLToPath(new URL('../../..', import.meta.url))
export const chart = join(root, 'charts/vxtap')
/** What the README installs it for: which sensors, found where, by the taps of which namespace. */
export const documented = { sensor: 'zeek', sensors: 'sensors', applications: 'shop' } as const

export function helm(...args: readonly string[]): Promise<string> {
  return run(['helm', ...args], { timeoutMs: 180_000 })
}

/** The README's command, word for word but for the registry; docs/install.md has the same one. */
export function helmInstall(): Promise<string> {
  const command = documentedCommand(readFileSync(join(root, 'README.md'), 'utf8'), 'helm install vxtap')
  if (command === undefined) throw new Error('README.md has no helm install command any more')
  const named = `${command.replaceAll('REGISTRY/vxtap', imageRepository)} "$@"`
  return run(['sh', '-euc', `cd "$0"\n${named}`, root, ...imageOptions()], {
    timeoutMs: 180_000,
  })
}
