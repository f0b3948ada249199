/** What the comparison amounts to: the closing table, and whether all is well. Pure. */
import type { Comparison, Frame } from './compare/compare.ts'
import { columns, grouped } from './display.ts'
import type { Counters, Kind } from './evidence.ts'

/** When no sensor was there, milliseconds since the epoch. */
export interface Gap {
  /** The old sensor was deleted. */
  readonly from: number
  /** The new sensor got its first frame. */
  readonly to: number
}

export interface Findings {
  readonly comparisons: ReadonlyMap<Kind, Comparison>
  readonly gap: Gap | undefined
  /** Frames that dumpcap lost; the comparison holds only when there are none. */
  readonly lostByCapture: number
  /** What the sidecar's counters grew by during the comparison. */
  readonly dropped: Counters['dropped']
  /** By the sidecar's counters: captured, less sent, less dropped. */
  readonly unaccounted: number
  /** Frames of the user's file that never came to the wire. */
  readonly unsent: number
  /** Datagrams that the sensors' own strict checks refused; undefined where they are not asked. */
  readonly refusedBySensors: number | undefined
}

export interface Verdict {
  readonly table: string[]
  /** One sentence about the replacement, where there was one. */
  readonly replacement: string | undefined
  /** What is wrong, a sentence each; none when all is well. */
  readonly problems: string[]
  /**
   * Frames that arrived behind later ones of their flow. No fault of the tap's: between two pods of a node, a datagram
   * waits in the backlog of the CPU that sent it, so a program that is moved to another CPU can overtake itself.
   */
  readonly reordered: number
}

/** What was captured this many milliseconds before the sensor left may still have waited in the tap's ring. */
const inRingMs = 1000

const inGap = (gap: Gap | undefined) => (frame: Frame) =>
  gap !== undefined && frame.timeMs >= gap.from - inRingMs && frame.timeMs <= gap.to

export function verdictOf(findings: Findings): Verdict {
  const { comparisons, gap } = findings
  const unseen = inGap(gap)
  const rows = [...comparisons]
    .filter(([, { expected, faulty, duplicates }]) => expected + faulty.length + duplicates.length > 0)
    .map(([kind, found]) => {
      const lost = found.missing.filter(unseen).length
      return { kind: kind as string, found, lost, missing: found.missing.length - lost }
    })
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0)
  const values = [
    (row: (typeof rows)[number]) => row.found.expected,
    (row: (typeof rows)[number]) => row.found.matched,
    ...(gap === undefined ? [] : [(row: (typeof rows)[number]) => row.lost]),
    (row: (typeof rows)[number]) => row.missing,
    (row: (typeof rows)[number]) => row.found.faulty.length,
    (row: (typeof rows)[number]) => row.found.duplicates.length,
  ]
  const heads = [
    'on the wire',
    'at the sensor',
    ...(gap === undefined ? [] : ['in the gap']),
    'missing',
    'faulty',
    'duplicate',
  ]
  const table = columns([
    ['frames', ...heads],
    ...rows.map((row) => [row.kind, ...values.map((value) => grouped(value(row)))]),
    ['all', ...values.map((value) => grouped(sum(value)))],
  ])
  const lost = sum((row) => row.lost)
  const problems = problemsOf(findings, {
    expected: sum((row) => row.found.expected),
    missing: sum((row) => row.missing),
    faulty: sum((row) => row.found.faulty.length),
    duplicates: sum((row) => row.found.duplicates.length),
    lost,
  })
  const replacement = gap === undefined ? undefined : gapSentence(findings, lost)
  return { table, replacement, problems, reordered: sum((row) => row.found.reordered) }
}

function gapSentence({ comparisons, dropped, gap }: Findings, lost: number): string {
  if (lost === 0) return 'no frame was lost'
  const times = [...comparisons.values()].flatMap(({ missing }) =>
    missing.filter(inGap(gap)).map(({ timeMs }) => timeMs),
  )
  const milliseconds = Math.max(...times) - Math.min(...times)
  return `${milliseconds.toFixed(0)} ms, ${grouped(lost)} frames; the sidecar counted ${grouped(dropped['no_sensor'] ?? 0)} as no_sensor`
}

interface Sums {
  readonly expected: number
  readonly missing: number
  readonly faulty: number
  readonly duplicates: number
  readonly lost: number
}

function problemsOf(findings: Findings, sums: Sums): string[] {
  const { no_sensor: noSensor = 0, ...others } = findings.dropped
  const refused = findings.refusedBySensors ?? 0
  const checks: readonly (readonly [boolean, string])[] = [
    [sums.expected === 0, 'no frame was compared'],
    [sums.missing > 0, `frames missing at the sensor: ${sums.missing}`],
    [sums.faulty > 0, `frames at the sensor that were never on the wire like that: ${sums.faulty}`],
    [sums.duplicates > 0, `frames at the sensor more often than on the wire: ${sums.duplicates}`],
    [
      sums.lost !== noSensor,
      `frames lost at the replacement: ${sums.lost}, but the sidecar counted ${noSensor} as no_sensor`,
    ],
    [
      findings.unaccounted !== 0,
      `frames that the sidecar captured and neither sent nor counted: ${findings.unaccounted}`,
    ],
    [findings.unsent > 0, `frames of the file that the kernel did not send as they are: ${findings.unsent}`],
    [
      findings.lostByCapture > 0,
      `frames that dumpcap itself lost: ${findings.lostByCapture}; nothing is proved, try again`,
    ],
    [refused > 0, `datagrams refused by the sensor's own checks: ${refused}`],
    ...Object.entries(others).map(
      ([reason, count]) => [count > 0, `frames dropped by the sidecar as ${reason}: ${count}`] as const,
    ),
  ]
  return checks.flatMap(([wrong, sentence]) => (wrong ? [sentence] : []))
}
