/** Which charts are made of the results of a run. Pure. */
import { barChart, type Chart, type Group } from './charts.ts'
import {
  cpuPerFrame,
  figure,
  findCell,
  type Results,
  rate,
  ratio,
  resident,
  type Sample,
  share,
  titlesOf,
} from './results.ts'
import type { Spread } from './statistics.ts'
import { blockTitle } from './table.ts'

const largest = ['udp-64-max/spare', 'udp-512-max/spare', 'udp-1400-max/spare']

/** Whose work the application does, who sends nothing, and who is so much dearer that all others would be as short. */
const notByCpu = ['none', 'tc-mirred', 'vxtap-kernel', 'vxtap-capture', 'vxtap-pcap']

type Titles = ReadonlyMap<string, string>

const percent = (value: Spread | undefined): Spread | undefined =>
  value && { median: value.median * 100, min: value.min * 100, max: value.max * 100 }

function group(
  results: Results,
  titles: Titles,
  key: string,
  value: (contestant: string) => Spread | undefined,
  leftOut: readonly string[],
): Group {
  const there = [...titles].filter(([name]) => !leftOut.includes(name) && findCell(results, name, key))
  return {
    name: blockTitle(key),
    bars: there.map(([name, label]) => ({ label, value: value(name), ours: name.startsWith('vxtap') })),
  }
}

/** By file name. */
export function pictures(results: Results): ReadonlyMap<string, string> {
  const titles = titlesOf(results)
  const of = (key: string, measured: (sample: Sample) => number) => (name: string) =>
    figure(findCell(results, name, key), measured)
  const kept = (key: string) => (name: string) =>
    percent(ratio(findCell(results, name, key), findCell(results, 'none', key), rate))
  const bars = (
    keys: readonly string[],
    value: (key: string) => (name: string) => Spread | undefined,
    leftOut: readonly string[],
  ) => keys.map((key) => group(results, titles, key, value(key), leftOut)).filter((one) => one.bars.length > 0)
  const charts: Readonly<Record<string, Chart>> = {
    'performance-cpu.svg': {
      title: 'CPU a frame',
      caption:
        'µs of the tap’s CPU for each frame mirrored; shorter is better; kernel mirrors cost the application, engine pcap is in the tables',
      digits: 2,
      groups: bars([...largest, 'http/spare'], (key) => of(key, cpuPerFrame), notByCpu),
    },
    'performance-mirrored.svg': {
      title: 'What arrives',
      caption: 'per cent of the frames, or of TCP’s payload, that reach the sensor; longer is better',
      digits: 1,
      groups: bars(
        ['udp-64-max/spare', 'udp-64-240k/quota', 'http/quota', 'tcp-1g/quota', 'tcp/spare', 'tcp-mtu-1500/spare'],
        (key) => (name) => percent(of(key, share)(name)),
        ['none', 'vxtap-capture'],
      ),
    },
    'performance-application.svg': {
      title: 'What the application keeps',
      caption: 'per cent of its throughput without a tap; longer is better',
      digits: 0,
      groups: bars(['http/spare', 'http/shared', 'http/quota', 'tcp/spare', 'tcp-mtu-1500/spare'], kept, ['none']),
    },
    'performance-memory.svg': {
      title: 'Memory',
      caption: 'megabytes resident at the end of the load; shorter is better',
      digits: 0,
      groups: bars(['udp-1400-max/spare'], (key) => of(key, resident), ['none', 'tc-mirred', 'vxtap-capture']),
    },
  }
  return new Map(Object.entries(charts).map(([file, chart]) => [file, barChart(chart)]))
}
