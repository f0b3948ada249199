/** docs/install.md's table of scenarios: a row for each file of test/e2e, and what its last whole run has found. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { table } from './markdown.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** A file for each release: what `make e2e-results` has taken from build/. */
export const resultsFolder = join(root, 'test/e2e/results')

export interface TakenResults {
  readonly release: string
  /** By the file's name without its ending. */
  readonly scenarios: Readonly<Record<string, { readonly result: string; readonly remarks: readonly string[] }>>
}

const ending = '.test.ts'

export function scenarioNames(): string[] {
  const files = readdirSync(join(root, 'test/e2e')).filter((file) => file.endsWith(ending))
  return files.map((file) => basename(file, ending)).sort()
}

export function takenResults(): TakenResults[] {
  const files = existsSync(resultsFolder) ? readdirSync(resultsFolder).filter((file) => file.endsWith('.json')) : []
  const all = files.map((file) => JSON.parse(readFileSync(join(resultsFolder, file), 'utf8')) as TakenResults)
  return all.sort((a, b) => b.release.localeCompare(a.release, 'en', { numeric: true }))
}

/** A scenario that is newer than the last run says so. */
export function testedOn(names = scenarioNames(), results = takenResults()): string {
  const rows = names.map((name) => {
    const link = `[${name.replaceAll('-', ' ')}](../test/e2e/${name}${ending})`
    return [link, ...results.map(({ scenarios }) => shown(scenarios[name]))]
  })
  return table(['Scenario', ...results.map(({ release }) => release)], rows)
}

function shown(scenario: TakenResults['scenarios'][string] | undefined): string {
  if (scenario === undefined) return 'not run yet'
  const { result, remarks } = scenario
  const word = result === 'passed' ? 'yes' : result
  return remarks.length === 0 ? word : `${word}: ${remarks.join('; ')}`
}
