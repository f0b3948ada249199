/**
 * Takes what whole runs of `make e2e` have found, build/e2e-RELEASE.json, into test/e2e/results, from which the table in
 * docs/install.md is made. Times and figures stay behind: they are the machine's.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { resultsFolder, type TakenResults } from './docs/tested.ts'

interface Run {
  readonly release: string
  readonly scenarios: readonly { readonly file: string; readonly result: string; readonly remarks: readonly string[] }[]
}

const build = fileURLToPath(new URL('../build', import.meta.url))
const files = existsSync(build) ? readdirSync(build).filter((file) => /^e2e-[0-9.]+\.json$/.test(file)) : []
if (files.length === 0) throw new Error('build/ has no result of a whole run: run make e2e, and make e2e K8S=1.28')
mkdirSync(resultsFolder, { recursive: true })
for (const file of files) {
  const { release, scenarios } = JSON.parse(readFileSync(join(build, file), 'utf8')) as Run
  const failed = scenarios.filter(({ result }) => result === 'failed').map((scenario) => scenario.file)
  if (failed.length > 0) throw new Error(`not taken: in build/${file} these failed: ${failed.join(', ')}`)
  const taken: TakenResults = {
    release,
    scenarios: Object.fromEntries(
      scenarios.map((scenario) => {
        const { result, remarks } = scenario
        return [basename(scenario.file, '.test.ts'), { result, remarks }]
      }),
    ),
  }
  writeFileSync(join(resultsFolder, `${release}.json`), `${JSON.stringify(taken, null, 2)}\n`)
  process.stdout.write(`taken: build/${file}, ${scenarios.length} scenarios\n`)
}
