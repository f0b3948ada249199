/** docs/performance.md's figures, and the README's: out of the raw results of `make bench` and `make bench-injector`. */
import { existsSync, readFileSync } from 'node:fs'
import { pictures } from '../../bench/pictures.ts'
import type { Results } from '../../bench/results.ts'
import { blockTitle, columns, measuredKeys, type Row, rows, sidecarLines } from '../../bench/table.ts'
import { verdicts } from '../../bench/verdict.ts'
import { code, sentence, table } from './markdown.ts'

const folder = new URL('../../bench/results/', import.meta.url)

function read<T>(name: string): T | undefined {
  const file = new URL(name, folder)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined
}

export const dataplane = (): Results | undefined => read<Results>('dataplane.json')

const notYet = 'No whole run of `make bench` has been kept yet.'

const day = (date: string): string => date.slice(0, 10)

/** Of what was measured, and how often. */
export function runText(results = dataplane()): string {
  if (results === undefined) return notYet
  const failed = results.failures.map((failure) => `- Not measured: ${failure}`)
  const run = `${code(results.command)} on ${day(results.date)}, at commit ${results.commit}: ${results.machine}. ${results.runs} runs of each, ${results.seconds} s in all.`
  return [run, ...(failed.length === 0 ? [] : [failed.join('\n')])].join('\n\n')
}

export function barsTable(results = dataplane()): string {
  if (results === undefined) return notYet
  const word = (met: boolean | undefined): string => (met === undefined ? 'not run' : met ? 'yes' : '**no**')
  const all = verdicts(results)
  const measured = all.filter(({ met }) => met !== undefined)
  return [
    `Met: ${measured.filter(({ met }) => met).length} of ${measured.length}.`,
    table(
      ['What', 'Bar', 'This run', 'Met'],
      all.map(({ what, bar, value, met }) => [what, bar, value, word(met)]),
    ),
  ].join('\n\n')
}

export function contestantsTable(results = dataplane()): string {
  if (results === undefined) return notYet
  return table(
    ['Tap', 'What it is'],
    results.contestants.map(({ title, how }) => [title, sentence(how)]),
  )
}

export function chartImages(results = dataplane()): string {
  if (results === undefined) return notYet
  const title = (svg: string): string => /aria-label="([^"]*)"/.exec(svg)?.[1] ?? ''
  return [...pictures(results)].map(([file, svg]) => `![${title(svg)}](${file})`).join('\n\n')
}

export function figureTables(results = dataplane()): string {
  if (results === undefined) return notYet
  const names = Object.keys(columns) as (keyof Row)[]
  return measuredKeys(results)
    .map((key) => {
      const all = rows(results, key)
      const used = names.filter((name) => all.some((one) => one[name] !== '-'))
      const body = all.map((one) => used.map((name) => one[name]))
      return `**${sentence(blockTitle(key))}**\n\n${table(
        used.map((name) => columns[name]),
        body,
      )}`
    })
    .join('\n\n')
}

/** For the README: what a sidecar at rest costs, and how a busy one compares. */
export function costText(results = dataplane()): string {
  if (results?.sidecar === undefined) return notYet
  const lines = sidecarLines(results.sidecar).map(
    ([what, value, bar]) => `${what.padEnd(38)} ${value.padStart(10)}${bar === '' ? '' : `   bar: ${bar}`}`,
  )
  const measured = verdicts(results).filter(({ met }) => met !== undefined)
  return [
    `\`\`\`text\n${results.machine}\n\n${lines.join('\n')}\n\`\`\``,
    '![CPU a frame, beside other taps](docs/performance-cpu.svg)',
    `${measured.filter(({ met }) => met).length} of ${measured.length} [bars](docs/performance.md#bars) were met in that run.`,
  ].join('\n\n')
}

interface InjectorResults {
  readonly machine: string
  readonly date: string
  readonly results: readonly {
    readonly what: string
    readonly value: number
    readonly unit: string
    readonly bar?: string
  }[]
}

export function injectorText(results = read<InjectorResults>('injector.json')): string {
  if (results === undefined) return 'No run of `make bench-injector` has been kept yet.'
  const values = new Map(results.results.map(({ what, value }) => [what, value]))
  const own = results.results.filter(({ what }) => !what.startsWith('echo, '))
  const body = own.map(({ what, value, unit, bar = '' }) => {
    const name = what.replace(/^(throughput|injector), /, '')
    const echo = name === what ? undefined : values.get(`echo, ${name}`)
    const shown = (number: number | undefined): string =>
      number === undefined ? '' : number.toFixed(unit === 'ms' ? 2 : 0)
    return [what.replace(/^injector, /, ''), shown(value), shown(echo), unit, bar]
  })
  const head = ['What', 'Injector', 'Bare fastify echo', 'Unit', 'Bar']
  return `${code('make bench-injector')} on ${day(results.date)}: ${results.machine}.\n\n${table(head, body)}`
}

interface ApiServerResults extends InjectorResults {
  readonly kubernetes: string
  readonly pods: number
  readonly perSecond: number
}

export function apiServerText(results = read<ApiServerResults>('injector-api-server.json')): string {
  if (results === undefined) return 'No run of `make bench-injector-api-server` has been kept yet.'
  const { machine, kubernetes, pods, perSecond, date } = results
  const body = results.results.map(({ what, value, unit }) => [what, value.toFixed(1), unit])
  const run = `${code('make bench-injector-api-server')} on ${day(date)}: ${machine}, Kubernetes ${kubernetes}, ${pods.toLocaleString('en')} pods at ${perSecond} a second, dry run.`
  return `${run}\n\n${table(['What', 'Value', 'Unit'], body)}`
}

/** Whole files of docs/, by path; none while nothing has been measured. */
export function chartFiles(results = dataplane()): ReadonlyMap<string, string> {
  const made = results === undefined ? [] : [...pictures(results)]
  return new Map(made.map(([file, svg]) => [`docs/${file}`, svg]))
}
