/**
 * Ends a run of the suite with a table: each scenario, how it went, what did not apply and why, what was measured. A run
 * of all scenarios is also written to build/e2e-RELEASE.md and build/e2e-RELEASE.json.
 *
 * A test says a figure with annotate(text, 'figure'), and what holds instead on an older release with 'instead'.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters, styleText } from 'node:util'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { nodes } from '../world/nodes.ts'
import { asMarkdown, asText, type Result, type Scenario, type SuiteRun } from './results.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = fileURLToPath(new URL('..', import.meta.url))

export default class ResultTable implements Reporter {
  #started = performance.now()

  onTestRunStart(): void {
    this.#started = performance.now()
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const all = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
    const run: SuiteRun = {
      release: process.env['K8S_VERSION'] ?? 'of unknown release',
      nodes: nodes,
      context: process.env['E2E_CONTEXT'],
      scenarios: modules.map(scenarioOf).sort((a, b) => (a.file < b.file ? -1 : 1)),
      seconds: (performance.now() - this.#started) / 1000,
      whole: modules.length === all.length,
    }
    if (run.whole) write(run)
    process.stdout.write(asText(run, (style, text) => styleText(style, text, { stream: process.stdout })))
  }
}

function write(run: SuiteRun): void {
  const name = `e2e-${run.release}${run.context === undefined ? '' : '-current'}`
  mkdirSync(join(root, 'build'), { recursive: true })
  writeFileSync(join(root, 'build', `${name}.md`), asMarkdown(run))
  writeFileSync(join(root, 'build', `${name}.json`), `${JSON.stringify(run, null, 2)}\n`)
  process.stdout.write(`  written to build/${name}.md and build/${name}.json\n\n`)
}

function scenarioOf(module: TestModule): Scenario {
  const tests = [...module.children.allTests()]
  const skipped = tests.flatMap((test) => {
    const result = test.result()
    // Without a reason: skipped because its beforeAll() has failed.
    return result.state === 'skipped' && result.note !== undefined ? [{ test, why: result.note }] : []
  })
  const result = resultOf(module, tests)
  const every = result === 'passed' && skipped.length === tests.length
  const reasons = [...new Set(skipped.map(({ why }) => `it ${why}`))]
  const instead = said(tests, 'instead')
  return {
    file: relative(root, module.moduleId),
    result: every ? 'does not apply' : result,
    seconds: module.diagnostic().duration / 1000,
    remarks: every
      ? reasons.map((reason) => `does not apply: ${reason}`)
      : [...instead, ...skipped.map(({ test, why }) => `"${test.name}" does not apply: it ${why}`)],
    figures: said(tests, 'figure'),
    failures: [
      ...module.errors().map((error) => shown(error.message)),
      ...[...module.children.allSuites()].flatMap((suite) => suite.errors().map((error) => shown(error.message))),
      ...tests.flatMap((test) =>
        (test.result().errors ?? []).map(({ message, diff = '' }) => `${test.name}: ${shown(`${message}\n${diff}`)}`),
      ),
    ],
  }
}

// A child process or kubectl may have printed pages.
const longestFailure = 1500
const shown = (message: string): string =>
  stripVTControlCharacters(message).slice(0, longestFailure).trim().replaceAll('\n', '\n      ')

function resultOf(module: TestModule, tests: readonly TestCase[]): Result {
  const failed = module.errors().length > 0 || tests.length === 0 || module.state() === 'failed'
  return failed || tests.some((test) => !['passed', 'skipped'].includes(test.result().state)) ? 'failed' : 'passed'
}

const said = (tests: readonly TestCase[], type: string): string[] =>
  tests.flatMap((test) => test.annotations().flatMap((entry) => (entry.type === type ? [entry.message] : [])))
