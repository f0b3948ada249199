/** The raw results, as bench/results/dataplane.json keeps them, and what is derived from them. Pure. */
import { cellKey } from './matrix.ts'
import { type Spread, spread } from './statistics.ts'

/** What a tap says of itself, in frames of the tunnel. */
export interface OwnCount {
  readonly captured: number
  readonly sent: number
  readonly dropped: number
}

/** One contestant under one workload, once. */
export interface Sample {
  readonly run: number
  readonly seconds: number
  /** Frames that crossed the tapped pod's eth0, a super-frame counting as its segments. */
  readonly offered: number
  /** Frames that arrived at the sensor. */
  readonly mirrored: number
  /** Those of them that arrived only after the generator had ended: what the tap's buffer hid. */
  readonly backlog: number
  /** From 0 to 1: of the frames, or of TCP's payload where taps cut or merge segments. */
  readonly share: number
  /** Frames: what is missing of the share. */
  readonly lost: number
  /** Frames at the sensor whose inner checksums were looked at, and how many of them were right. */
  readonly checked: number
  readonly good: number
  readonly tapCpuSeconds: number
  /** Of generator, application, tap and sensor together. */
  readonly totalCpuSeconds: number
  /** Megabytes resident; 0 for what has no process. */
  readonly residentMb: number
  /** What the application got done: datagrams, requests or bits a second. */
  readonly rate: number
  readonly p99Ms?: number
  /** Since before the load; undefined for taps that do not say. */
  readonly own?: OwnCount
  /** The tap's last words, where it did not live to the end. */
  readonly ended?: string
}

export interface Cell {
  readonly contestant: string
  readonly workload: string
  readonly placement: string
  readonly samples: readonly Sample[]
}

export interface SidecarFigures {
  /** Milliseconds from start to capturing. */
  readonly startMs: readonly number[]
  /** Per cent of a core. */
  readonly idleCpuPercent: number
  readonly idleSeconds: number
  readonly residentMb: number
}

export interface Entrant {
  readonly name: string
  readonly title: string
  readonly how: string
}

export interface Results {
  readonly format: 1
  readonly date: string
  readonly machine: string
  readonly command: string
  readonly commit: string
  readonly runs: number
  readonly seconds: number
  readonly sidecar?: SidecarFigures
  readonly contestants: readonly Entrant[]
  readonly cells: readonly Cell[]
  /** What could not be measured, a sentence each. */
  readonly failures: readonly string[]
}

const sampleFields = [
  'run',
  'seconds',
  'offered',
  'mirrored',
  'backlog',
  'share',
  'lost',
  'checked',
  'good',
  'tapCpuSeconds',
  'totalCpuSeconds',
  'residentMb',
  'rate',
] as const satisfies readonly (keyof Sample)[]

/** What is wrong with a file of results, in sentences; none for a right one. */
export function problemsOf(results: Results): string[] {
  const problems: string[] = []
  if (results.format !== 1) problems.push(`format is ${results.format}, not 1`)
  for (const field of ['date', 'machine', 'command', 'commit'] as const)
    if (typeof results[field] !== 'string' || results[field] === '') problems.push(`${field} is not a text`)
  if (!Array.isArray(results.cells)) return [...problems, 'cells is not a list']
  const names = new Set(results.contestants?.map(({ name }) => name))
  for (const cell of results.cells) {
    if (!names.has(cell.contestant)) problems.push(`${cell.contestant} is not among the contestants`)
    const where = `${cell.contestant} ${cellKey(cell.workload, cell.placement)}`
    if (cell.samples.length === 0) problems.push(`${where} has no samples`)
    for (const sample of cell.samples) {
      for (const field of sampleFields)
        if (!Number.isFinite(sample[field]) || sample[field] < 0)
          problems.push(`${where}: ${field} is ${sample[field]}`)
      for (const field of ['captured', 'sent', 'dropped'] as const) {
        const count = sample.own?.[field] ?? (sample.own === undefined ? 0 : Number.NaN)
        if (!Number.isFinite(count) || count < 0) problems.push(`${where}: own ${field} is ${count}`)
      }
      if (sample.share > 1) problems.push(`${where}: share is above 1`)
      if (sample.good > sample.checked) problems.push(`${where}: more checksums good than checked`)
    }
  }
  return problems
}

export function findCell(results: Results, contestant: string, key: string): Cell | undefined {
  return results.cells.find((cell) => cell.contestant === contestant && cellKey(cell.workload, cell.placement) === key)
}

export const titlesOf = (results: Results): ReadonlyMap<string, string> =>
  new Map(results.contestants.map(({ name, title }) => [name, title]))

export type Figure = (sample: Sample) => number

/** What mirrors less has no price: divided by next to nothing, any figure comes out. */
const leastShare = 0.005

/** Microseconds of the tap's CPU for each frame of the wire that it mirrored, in whatever pieces it did. */
export const cpuPerFrame: Figure = (sample) =>
  sample.share < leastShare ? Number.NaN : (sample.tapCpuSeconds / (sample.offered * sample.share)) * 1e6
export const share: Figure = (sample) => sample.share
export const rate: Figure = (sample) => sample.rate
export const p99: Figure = (sample) => sample.p99Ms ?? Number.NaN
/** Cores in use. */
export const cores: Figure = (sample) => sample.totalCpuSeconds / sample.seconds
export const resident: Figure = (sample) => sample.residentMb

export function figure(cell: Cell | undefined, of: Figure): Spread | undefined {
  return spread(cell?.samples.map(of) ?? [])
}

/**
 * Of two contestants in the same run, since machines drift between runs. Undefined where a sample of either has no such
 * figure, or its tap did not live to the end: what mirrors nothing would be infinitely dear, and all beside it free.
 */
export function ratio(cell: Cell | undefined, to: Cell | undefined, of: Figure): Spread | undefined {
  const [own = [], others = []] = [cell?.samples, to?.samples]
  if ([...own, ...others].some((sample) => sample.ended !== undefined || !Number.isFinite(of(sample)))) return undefined
  const other = new Map(others.map((sample) => [sample.run, of(sample)]))
  return spread(
    own.flatMap((sample) => {
      const divisor = other.get(sample.run)
      return divisor === undefined ? [] : [of(sample) / divisor]
    }),
  )
}

/** Whether a run of it was to be measured and could not be. */
export const hasFailed = ({ failures }: Results, contestant: string, key: string): boolean =>
  failures.some((sentence) => sentence.startsWith(failurePrefix(contestant, key)))

/** What the sentence begins with that says why a cell could not be measured. */
export const failurePrefix = (contestant: string, key: string): string => `${contestant} ${key}, run `

/** Of all runs together: frames checked, and those of them that were right. */
export function checksums(cell: Cell | undefined): { readonly checked: number; readonly good: number } {
  const samples = cell?.samples ?? []
  return {
    checked: samples.reduce((sum, sample) => sum + sample.checked, 0),
    good: samples.reduce((sum, sample) => sum + sample.good, 0),
  }
}
