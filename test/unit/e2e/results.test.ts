import { describe, expect, it } from 'vitest'
import { testedOn } from '../../../scripts/docs/tested.ts'
import { asMarkdown, asText, foot, type Scenario, type SuiteRun, sentenceOf } from '../../e2e/report/results.ts'

const scenario = (name: string, more: Partial<Scenario> = {}): Scenario => ({
  file: `test/e2e/${name}.test.ts`,
  result: 'passed',
  seconds: 2.34,
  remarks: [],
  figures: [],
  failures: [],
  ...more,
})
const run = (scenarios: readonly Scenario[], more: Partial<SuiteRun> = {}): SuiteRun => ({
  release: '1.36.4',
  nodes: ['node1', 'node2'],
  context: undefined,
  scenarios,
  seconds: 61.4,
  whole: true,
  ...more,
})

describe('the table of results', () => {
  const all = run([
    scenario('a-pod-is-tapped', { figures: ['a gap of 12 ms'] }),
    scenario('it-breaks', { result: 'failed', failures: ['then it works: expected 1 to be 2'] }),
    scenario('nodes-are-entered', {
      result: 'does not apply',
      remarks: ['does not apply: it needs to enter the nodes'],
    }),
  ])

  it('has the sentence of each scenario, its result and its time', () => {
    expect(sentenceOf('test/e2e/a-pod-is-tapped.test.ts')).toBe('a pod is tapped')
    const lines = asText(all).split('\n')
    expect(lines).toContain('  a pod is tapped    passed             2.3 s')
    expect(lines).toContain('  it breaks          failed             2.3 s')
    expect(lines).toContain('    does not apply: it needs to enter the nodes')
  })

  it('ends with what was measured, and with the release, the nodes and the count of each result', () => {
    expect(asText(all)).toMatch(/measured\n {4}a gap of 12 ms\n/)
    expect(foot(all)).toBe(
      'Kubernetes 1.36.4, 2 nodes (node1, node2): 3 scenarios in 61 s: 1 passed, 1 failed, 1 does not apply',
    )
  })

  it('has what failed, and how, as its very last lines', () => {
    expect(asText(all).split('\n').slice(-4)).toEqual([
      expect.stringContaining('1 failed'),
      '  failed: test/e2e/it-breaks.test.ts',
      '    then it works: expected 1 to be 2',
      '',
    ])
  })

  it('names the context of a cluster that was there already, and says when it is not all', () => {
    expect(foot(run([scenario('a')], { context: 'kind-test', nodes: ['one'], whole: false }))).toBe(
      'Kubernetes 1.36.4, 1 node (one), context kind-test: 1 scenarios (part of the suite) in 61 s: 1 passed, none failed',
    )
  })

  it('is plain text unless it is painted', () => {
    expect(asText(all)).not.toContain('\u001b')
    expect(asText(all, (style, text) => `<${style}>${text}</${style}>`)).toContain('<red>failed        </red>')
  })

  it('is a table in Markdown too, in which a bar does not end a cell', () => {
    const markdown = asMarkdown(run([scenario('a', { remarks: ['x | y'], figures: ['7 ms'] })]))
    expect(markdown).toContain('| a | passed; x \\| y | 2.3 s |\n')
    expect(markdown).toContain('- 7 ms\n')
  })
})

describe("the documentation's table", () => {
  const results = [
    { release: '1.36.4', scenarios: { old: { result: 'passed', remarks: [] } } },
    { release: '1.28.15', scenarios: { old: { result: 'passed', remarks: ['as before'] } } },
  ]

  it('has a row for each scenario file, and says which have not been run yet', () => {
    expect(testedOn(['new', 'old'], results).split('\n').slice(2)).toEqual([
      '| [new](../test/e2e/new.test.ts) | not run yet | not run yet |',
      '| [old](../test/e2e/old.test.ts) | yes | yes: as before |',
    ])
  })
})
