/** The results as tables for a terminal. Pure; colours only when asked for. */
import { cellKey, placements, workloads } from './matrix.ts'
import {
  type Cell,
  checksums,
  cores,
  cpuPerFrame,
  figure,
  findCell,
  p99,
  type Results,
  rate,
  ratio,
  resident,
  type SidecarFigures,
  share,
  titlesOf,
} from './results.ts'
import { type Spread, spread } from './statistics.ts'
import type { Verdict } from './verdict.ts'

export interface Row {
  readonly contestant: string
  readonly offered: string
  readonly mirrored: string
  readonly lost: string
  readonly checksums: string
  readonly cpuPerFrame: string
  readonly cores: string
  readonly resident: string
  readonly rate: string
  readonly kept: string
  readonly p99: string
}

export const columns: Readonly<Record<keyof Row, string>> = {
  contestant: 'tap',
  offered: 'offered',
  mirrored: 'mirrored',
  lost: 'lost',
  checksums: 'checksums',
  cpuPerFrame: 'us/frame',
  cores: 'cores',
  resident: 'MB',
  rate: 'application',
  kept: 'of no tap',
  p99: 'p99',
}

const units = { udp: 'kpps', http: 'requests/s', tcp: 'Gbit/s' } as const
const none = '-'

function shown(value: Spread | undefined, digits: number, scale = 1): string {
  if (value === undefined) return none
  const text = (number: number): string => (number * scale).toFixed(digits)
  const [median, min, max] = [text(value.median), text(value.min), text(value.max)]
  return min === max ? median : `${median} (${min}..${max})`
}

const short = (value: Spread | undefined, digits: number, scale = 1): string =>
  value === undefined ? none : (value.median * scale).toFixed(digits)

const thousands = (number: number): string => Math.round(number).toLocaleString('en').replaceAll(',', ' ')

export function rows(results: Results, key: string): Row[] {
  const titles = titlesOf(results)
  const cells = results.cells.filter((cell) => cellKey(cell.workload, cell.placement) === key)
  const kind = workloads.find(({ name }) => key.startsWith(`${name}/`))?.kind ?? 'udp'
  const base = findCell(results, 'none', key)
  return cells.map((cell) => row(cell, base, kind, titles.get(cell.contestant) ?? cell.contestant))
}

function row(cell: Cell, base: Cell | undefined, kind: keyof typeof units, title: string): Row {
  const tapped = cell.contestant !== 'none'
  const hasProcess = cell.samples.some((sample) => sample.residentMb > 0)
  const died = cell.samples.some((sample) => sample.ended !== undefined)
  const { checked, good } = checksums(cell)
  const scale = { udp: 1e-3, http: 1, tcp: 1e-9 }[kind]
  const median = (of: (sample: Cell['samples'][number]) => number): number => spread(cell.samples.map(of))?.median ?? 0
  return {
    contestant: died ? `${title} (died)` : title,
    offered: thousands(median((sample) => sample.offered)),
    mirrored: tapped ? `${shown(figure(cell, share), 1, 100)} %` : none,
    lost: tapped ? thousands(median((sample) => sample.lost)) : none,
    checksums: tapped && checked > 0 ? `${((good / checked) * 100).toFixed(good === checked ? 0 : 1)} %` : none,
    cpuPerFrame: hasProcess ? shown(figure(cell, cpuPerFrame), 2) : none,
    cores: short(figure(cell, cores), 2),
    resident: hasProcess ? short(figure(cell, resident), 0) : none,
    rate: `${short(figure(cell, rate), kind === 'tcp' ? 2 : 0, scale)} ${units[kind]}`,
    kept: tapped ? shown(ratio(cell, base, rate), 2) : none,
    p99:
      kind !== 'http' ? none : tapped ? `${shown(ratio(cell, base, p99), 2)} x` : `${short(figure(cell, p99), 2)} ms`,
  }
}

export const blockTitle = (key: string): string => {
  const [name = '', placement = ''] = key.split('/')
  const title = workloads.find((workload) => workload.name === name)?.title ?? name
  return `${title}; ${placements[placement as keyof typeof placements] ?? placement}`
}

/** The combinations that were measured, in the matrix's order. */
export const measuredKeys = (results: Results): string[] => [
  ...new Set(results.cells.map((cell) => cellKey(cell.workload, cell.placement))),
]

const codes = { bold: '1', green: '32', red: '31', dim: '2' } as const

export type Paint = (code: keyof typeof codes, text: string) => string
export const painted: Paint = (code, text) => `\x1b[${codes[code]}m${text}\x1b[0m`
export const plain: Paint = (_code, text) => text

export function blocks(results: Results, paint: Paint): string {
  const names = Object.keys(columns) as (keyof Row)[]
  return measuredKeys(results)
    .map((key) => {
      const all: Readonly<Record<keyof Row, string>>[] = [columns, ...rows(results, key)]
      const used = names.filter((name) => all.slice(1).some((one) => one[name] !== none))
      const widths = new Map(used.map((name) => [name, Math.max(...all.map((one) => one[name].length))]))
      const lines = all.map((one) =>
        used
          .map((name, at) => (at === 0 ? one[name].padEnd(widths.get(name)!) : one[name].padStart(widths.get(name)!)))
          .join('  '),
      )
      return [paint('bold', blockTitle(key)), paint('dim', lines[0]!), ...lines.slice(1), ''].join('\n')
    })
    .join('\n')
}

export function sidecarLines(figures: SidecarFigures): [what: string, value: string, bar: string][] {
  const start = spread(figures.startMs)
  return [
    [`start to capturing (median of ${figures.startMs.length})`, `${short(start, 0)} ms`, 'under 500 ms'],
    [`idle CPU over ${figures.idleSeconds} s`, `${figures.idleCpuPercent.toFixed(2)} %`, 'under 0.5 % of a core'],
    ['idle resident memory', `${figures.residentMb.toFixed(1)} MB`, ''],
  ]
}

export function verdictLines(verdicts: readonly Verdict[], paint: Paint): string {
  return verdicts
    .map(({ what, bar, value, met }) => {
      const word = met === undefined ? paint('dim', '     ') : met ? paint('green', 'met  ') : paint('red', 'MISSED')
      return `${word.padEnd(6)} ${what}: ${value} (${bar})`
    })
    .join('\n')
}
