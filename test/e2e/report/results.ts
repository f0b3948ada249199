/** What a run of the suite found, and how it is shown. Pure. */
import { basename } from 'node:path'

export type Result = 'passed' | 'failed' | 'does not apply'

export interface Scenario {
  /** Path of its file from the root of the repository. */
  readonly file: string
  readonly result: Result
  readonly seconds: number
  /** What holds instead on this release, and parts that do not apply, with the reason. */
  readonly remarks: readonly string[]
  /** What was measured. */
  readonly figures: readonly string[]
  /** What failed in it: each test and its error, shortened. */
  readonly failures: readonly string[]
}

export interface SuiteRun {
  /** Of Kubernetes: 1.36.4. */
  readonly release: string
  readonly nodes: readonly string[]
  /** The kubeconfig's context where the cluster was there already; undefined for the suite's own. */
  readonly context: string | undefined
  readonly scenarios: readonly Scenario[]
  readonly seconds: number
  /** Whether all scenarios were asked for. */
  readonly whole: boolean
}

/** The file's name is the scenario's sentence. */
export const sentenceOf = (file: string): string => basename(file, '.test.ts').replaceAll('-', ' ')

export type Paint = (style: 'green' | 'red' | 'yellow' | 'bold' | 'dim', text: string) => string
export const plain: Paint = (_style, text) => text

const style = { passed: 'green', failed: 'red', 'does not apply': 'yellow' } as const
const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length))
const seconds = (value: number): string => `${value.toFixed(1)} s`

/** For a terminal or a log. */
export function asText(run: SuiteRun, paint: Paint = plain): string {
  const sentences = run.scenarios.map(({ file }) => sentenceOf(file))
  const width = longest(['scenario', ...sentences])
  const resultWidth = longest(Object.keys(style))
  const row = (sentence: string, result: string, time: string): string =>
    `  ${sentence.padEnd(width)}  ${result}  ${time.padStart(8)}`
  const lines = [paint('bold', row('scenario', 'result'.padEnd(resultWidth), 'time'))]
  run.scenarios.forEach(({ result, remarks, ...scenario }, index) => {
    const shown = paint(style[result], result.padEnd(resultWidth))
    lines.push(row(sentences[index] ?? '', shown, seconds(scenario.seconds)))
    for (const remark of remarks) lines.push(paint('yellow', `    ${remark}`))
  })
  const figures = run.scenarios.flatMap((scenario) => scenario.figures)
  if (figures.length > 0) lines.push('', paint('bold', '  measured'), ...figures.map((figure) => `    ${figure}`))
  return ['', ...lines, '', `  ${foot(run)}`, ...failuresOf(run, paint), ''].join('\n')
}

/** Last of all, so that they are there where only the end of a log is kept. */
const failuresOf = ({ scenarios }: SuiteRun, paint: Paint): string[] =>
  scenarios.flatMap(({ file, result, failures }) =>
    result === 'failed' ? [paint('red', `  failed: ${file}`), ...failures.map((failure) => `    ${failure}`)] : [],
  )

/** `Kubernetes 1.36.4, 2 nodes (node1, node2): 24 scenarios in 215 s: 23 passed, 1 failed` */
export function foot({ release, nodes, context, scenarios, seconds: all, whole }: SuiteRun): string {
  const counted = (Object.keys(style) as Result[]).flatMap((result) => {
    const count = scenarios.filter((scenario) => scenario.result === result).length
    return count > 0 || result !== 'does not apply'
      ? [count === 0 ? `none ${result}` : `${count} ${results(result, count)}`]
      : []
  })
  const where = context === undefined ? '' : `, context ${context}`
  const part = whole ? '' : ' (part of the suite)'
  const those = `${nodes.length} node${nodes.length === 1 ? '' : 's'} (${nodes.join(', ')})`
  return `Kubernetes ${release}, ${those}${where}: ${scenarios.length} scenarios${part} in ${all.toFixed(0)} s: ${counted.join(', ')}`
}

const results = (result: Result, count: number): string =>
  result === 'does not apply' && count > 1 ? 'do not apply' : result

/** For a document. */
export function asMarkdown(run: SuiteRun): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|')
  const rows = run.scenarios.map(({ file, result, seconds: time, remarks }) => {
    const said = [result, ...remarks].join('; ')
    return `| ${sentenceOf(file)} | ${cell(said)} | ${seconds(time)} |`
  })
  const figures = run.scenarios.flatMap((scenario) => scenario.figures.map((figure) => `- ${figure}`))
  return [
    `${foot(run)}.`,
    '',
    '| Scenario | Result | Time |',
    '| --- | --- | ---: |',
    ...rows,
    ...(figures.length > 0 ? ['', 'Measured:', '', ...figures] : []),
    '',
  ].join('\n')
}
