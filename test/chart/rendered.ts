/** The chart as helm renders it, without a cluster. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { CommandError, run } from '../../lab/network/command.ts'
import { bringHelm } from '../cluster/programs/build.ts'

export const chart = fileURLToPath(new URL('../../charts/vxtap', import.meta.url))
const matrix = join(chart, 'ci')

/** Files of values that the chart must take. */
export const valuesFiles = readdirSync(matrix).map((file) => ({ file, path: join(matrix, file) }))

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: Readonly<Record<string, unknown>>
  readonly data?: Readonly<Record<string, string>>
}

export async function helm(...args: readonly string[]): Promise<string> {
  return run([join(await bringHelm(), 'helm'), ...args], { timeoutMs: 60_000 })
}

export async function render(...args: readonly string[]): Promise<Manifest[]> {
  const text = await helm('template', 'vxtap', chart, '--namespace', 'vxtap', ...args)
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null)
}

/** What helm says where it refuses these values. */
export async function refusal(...settings: readonly string[]): Promise<string> {
  try {
    await render('--set', 'image.repository=example.com/vxtap', ...settings.flatMap((setting) => ['--set', setting]))
  } catch (error) {
    if (error instanceof CommandError) return error.message
    throw error
  }
  throw new Error(`helm takes ${settings.join(' and ')}`)
}

export const named = (manifests: readonly Manifest[], kind: string, name?: string): Manifest => {
  const found = manifests.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name))
  if (found === undefined) throw new Error(`the chart makes no ${kind} ${name ?? ''}`)
  return found
}
