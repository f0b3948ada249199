/** The bars that vxtap is held to, and whether a run met them. Pure. */
import { behindMs, type Placement } from './matrix.ts'
import { type Cell, checksums, cpuPerFrame, findCell, p99, type Results, rate, ratio, type Sample } from './results.ts'
import type { Spread } from './statistics.ts'

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

function atMost(what: string, value: Spread | undefined, most: number): Verdict {
  return {
    what,
    bar: `at most ${most}`,
    value: value === undefined ? 'not run' : value.median.toFixed(2),
    met: value && value.median <= most,
  }
}

function atLeast(what: string, value: Spread | undefined, least: number): Verdict {
  return {
    what,
    bar: `at least ${least}`,
    value: value === undefined ? 'not run' : value.median.toFixed(2),
    met: value && value.median >= least,
  }
}

/** What speaks against a run's having been mirrored as it happened, besides its share. */
function objections({ backlog, mirrored, seconds }: Sample, placement: string): string[] {
  const most = (mirrored / seconds) * ((behindMs[placement as Placement] ?? 0) / 1000)
  return backlog > most ? [`${backlog} frames late`] : []
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

const worstShare = ({ samples }: Cell): number => Math.min(...samples.map(({ share }) => share))

/** In the worst run: a loss now and then is a loss, and so is one that only a longer load would show. */
function mirrored(results: Results, what: string, key: string): Verdict {
  const bar = '100 % in each run'
  const cell = findCell(results, best, key)
  if (cell === undefined) return { what, bar, value: 'not run', met: undefined }
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
  return {
    what,
    bar: 'all of the sample',
    value: checked === 0 ? 'not run' : `${good} of ${checked}`,
    met: checked === 0 ? undefined : good === checked,
  }
}

export function verdicts(results: Results): Verdict[] {
  const cell = (contestant: string, key: string) => findCell(results, contestant, key)
  const perFrame = (contestant: string, key: string) => ratio(cell(contestant, key), cell(plain, key), cpuPerFrame)
  const kept = (contestant: string, key: string) => ratio(cell(contestant, key), cell('none', key), rate)
  const byPlain = 'CPU a frame, as a ratio to libpcap + sendto'
  return [
    ...gsoBars.map(([bytes]) =>
      atMost(`mmsg, UDP ${bytes} B: ${byPlain}`, perFrame('vxtap-mmsg', `udp-${bytes}-max/spare`), 1),
    ),
    ...gsoBars.map(([bytes, most]) =>
      atMost(`gso, UDP ${bytes} B: ${byPlain}`, perFrame(best, `udp-${bytes}-max/spare`), most),
    ),
    atMost(`gso, HTTP: ${byPlain}`, perFrame(best, 'http/spare'), 0.3),
    ...gsoBars.map(([bytes]) =>
      mirrored(results, `gso, UDP ${bytes} B at the generator's maximum: mirrored`, `udp-${bytes}-max/spare`),
    ),
    mirrored(results, 'gso in 0.25 core, UDP 64 B at 240 kpps: mirrored', 'udp-64-240k/quota'),
    mirrored(results, 'gso in 0.25 core, HTTP on shared cores: mirrored', 'http/quota'),
    mirrored(results, 'gso in 0.25 core, TCP at 1 Gbit/s: mirrored', 'tcp-1g/quota'),
    atLeast('gso on a spare core, HTTP: requests a second, as a ratio to no tap', kept(best, 'http/spare'), 0.92),
    atMost(
      'gso on a spare core, HTTP: p99, as a ratio to no tap',
      ratio(cell(best, 'http/spare'), cell('none', 'http/spare'), p99),
      1.15,
    ),
    atLeast(
      'gso on shared cores, HTTP: requests a second, as a ratio to those beside libpcap + sendto',
      ratio(cell(best, 'http/shared'), cell(plain, 'http/shared'), rate),
      1.5,
    ),
    ...[
      ['TCP bulk, room for the tunnel', 'tcp/spare'] as const,
      ['TCP bulk, MTU 1500', 'tcp-mtu-1500/spare'] as const,
    ].flatMap(([title, key]) => [
      mirrored(results, `gso, ${title}: mirrored`, key),
      rightChecksums(results, `gso, ${title}: inner checksums right`, key),
      atLeast(`gso, ${title}: throughput, as a ratio to no tap`, kept(best, key), 0.7),
    ]),
  ]
}
