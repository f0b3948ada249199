/** The bars that vxtap is held to, and whether a run met them. Pure. */
import { behindMs, cellKey, type Placement, workloads } from './matrix.ts'
import {
  type Cell,
  checksums,
  cpuPerFrame,
  type Figure,
  figure,
  findCell,
  hasFailed,
  p99,
  type Results,
  rate,
  ratio,
  resident,
  type Sample,
} from './results.ts'

export interface Verdict {
  readonly what: string
  readonly bar: string
  readonly value: string
  /** Undefined where the run left out what it needs. */
  readonly met: boolean | undefined
}

/** Shares are rounded to a tenth of a per cent, as they are shown. */
const whole = 0.9995
const best = 'vxtap-gso'
const plain = 'libpcap'
const gsoBars: readonly (readonly [bytes: number, most: number])[] = [
  [64, 0.11],
  [512, 0.17],
  [1400, 0.25],
]

/** Megabytes of a million bytes, its ring's among them. */
const mostResident = 72
const fullRate = workloads.filter(({ rate }) => rate === undefined).map(({ name }) => cellKey(name, 'spare'))

/** A bar for which there is no figure: missed where it was tried, so that a failure hides nothing. */
function without(results: Results, key: string, ...needs: readonly string[]): Pick<Verdict, 'value' | 'met'> {
  const tried = needs.every((name) => findCell(results, name, key) !== undefined || hasFailed(results, name, key))
  return tried ? { value: 'could not be measured', met: false } : { value: 'not run', met: undefined }
}

interface Limit {
  readonly most?: number
  readonly least?: number
}

/** The ratio of one contestant to another, in the middle of the runs. */
function compared(
  results: Results,
  what: string,
  [contestant, to]: readonly [string, string],
  key: string,
  of: Figure,
  { most = Number.POSITIVE_INFINITY, least = 0 }: Limit,
): Verdict {
  const bar = Number.isFinite(most) ? `at most ${most}` : `at least ${least}`
  const [cell, other] = [findCell(results, contestant, key), findCell(results, to, key)]
  const value = ratio(cell, other, of)
  if (value === undefined || cell === undefined || other === undefined)
    return { what, bar, ...without(results, key, contestant, to) }
  // Cheap is what looks away, so that the shares belong to the figure.
  const shares =
    of === cpuPerFrame ? `, mirrored ${percent(worstShare(cell))} beside ${percent(worstShare(other))}` : ''
  return { what, bar, value: `${value.median.toFixed(2)}${shares}`, met: value.median <= most && value.median >= least }
}

/** What speaks against a run's having been mirrored as it happened, besides its share, in which retransmissions may make up for losses. */
function objections({ backlog, mirrored, seconds, own }: Sample, placement: string): string[] {
  const most = (mirrored / seconds) * ((behindMs[placement as Placement] ?? 0) / 1000)
  const late = backlog > most ? [`${backlog} frames late`] : []
  if (own === undefined) return late
  const { captured, sent, dropped } = own
  const lost = dropped > 0 ? [`${dropped} dropped by its own count`] : []
  return [...late, ...lost, ...(captured === sent + dropped ? [] : [`captured ${captured}, sent ${sent}`])]
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

const worstShare = ({ samples }: Cell): number => Math.min(...samples.map(({ share }) => share))

/** In the worst run: a loss now and then is a loss, and so is one that only a longer load would show. */
function mirrored(results: Results, what: string, key: string): Verdict {
  const bar = '100 % in each run'
  const cell = findCell(results, best, key)
  if (cell === undefined) return { what, bar, ...without(results, key, best) }
  const against = cell.samples.flatMap((sample) => objections(sample, cell.placement))
  return {
    what,
    bar,
    value: [percent(worstShare(cell)), ...against].join(', '),
    met: worstShare(cell) >= whole && against.length === 0,
  }
}

function rightChecksums(results: Results, what: string, key: string): Verdict {
  const { checked, good } = checksums(findCell(results, best, key))
  const bar = 'all of the sample'
  if (checked === 0) return { what, bar, ...without(results, key, best) }
  return { what, bar, value: `${good} of ${checked}`, met: good === checked }
}

/** Of the load under which it is the most. */
function small(results: Results): Verdict {
  const medians = fullRate.map((key) => figure(findCell(results, best, key), resident)?.median ?? 0)
  const most = Math.max(...medians)
  const verdict = { what: 'gso at full rate: resident memory, ring included', bar: `at most ${mostResident} MB` }
  if (most === 0) return { ...verdict, value: 'not run', met: undefined }
  return { ...verdict, value: `${most.toFixed(0)} MB`, met: most <= mostResident }
}

export function verdicts(results: Results): Verdict[] {
  const perFrame = (contestant: string, what: string, key: string, most: number) =>
    compared(results, `${what}: CPU a frame, as a ratio to libpcap + sendto`, [contestant, plain], key, cpuPerFrame, {
      most,
    })
  const kept = (what: string, key: string, least: number) =>
    compared(results, what, [best, 'none'], key, rate, { least })
  return [
    ...gsoBars.map(([bytes]) => perFrame('vxtap-mmsg', `mmsg, UDP ${bytes} B`, `udp-${bytes}-max/spare`, 1)),
    ...gsoBars.map(([bytes, most]) => perFrame(best, `gso, UDP ${bytes} B`, `udp-${bytes}-max/spare`, most)),
    perFrame(best, 'gso, HTTP', 'http/spare', 0.3),
    ...gsoBars.map(([bytes]) =>
      mirrored(results, `gso, UDP ${bytes} B at the generator's maximum: mirrored`, `udp-${bytes}-max/spare`),
    ),
    mirrored(results, 'gso in 0.25 core, UDP 64 B at 240 kpps: mirrored', 'udp-64-240k/quota'),
    mirrored(results, 'gso in 0.25 core, HTTP on shared cores: mirrored', 'http/quota'),
    mirrored(results, 'gso in 0.25 core, TCP at 1 Gbit/s: mirrored', 'tcp-1g/quota'),
    kept('gso on a spare core, HTTP: requests a second, as a ratio to no tap', 'http/spare', 0.92),
    compared(results, 'gso on a spare core, HTTP: p99, as a ratio to no tap', [best, 'none'], 'http/spare', p99, {
      most: 1.15,
    }),
    compared(
      results,
      'gso on shared cores, HTTP: requests a second, as a ratio to those beside libpcap + sendto',
      [best, plain],
      'http/shared',
      rate,
      { least: 1.5 },
    ),
    ...[
      ['TCP bulk, room for the tunnel', 'tcp/spare'] as const,
      ['TCP bulk, MTU 1500', 'tcp-mtu-1500/spare'] as const,
    ].flatMap(([title, key]) => [
      mirrored(results, `gso, ${title}: mirrored`, key),
      rightChecksums(results, `gso, ${title}: inner checksums right`, key),
      kept(`gso, ${title}: throughput, as a ratio to no tap`, key, 0.7),
    ]),
    small(results),
  ]
}
