import { describe, expect, it } from 'vitest'
import { barChart } from '../../../bench/charts.ts'
import { pictures } from '../../../bench/pictures.ts'
import { cell, results } from './samples.ts'

const value = (median: number, min = median, max = median) => ({ median, min, max })
const chart = (...bars: { label: string; value?: ReturnType<typeof value>; ours?: boolean }[]): string =>
  barChart({
    title: 'CPU <a frame>',
    caption: 'less & better',
    digits: 1,
    groups: [
      { name: 'UDP', bars: bars.map((bar) => ({ label: bar.label, value: bar.value, ours: bar.ours ?? false })) },
    ],
  })
const widths = (svg: string): number[] =>
  [...svg.matchAll(/<rect class="[ro]" [^>]*width="([\d.]+)"/g)].map((match) => Number(match[1]))

describe('a bar chart', () => {
  it('draws bars as long as their values are to each other', () => {
    const [a = 0, b = 0] = widths(chart({ label: 'a', value: value(1) }, { label: 'b', value: value(4) }))
    expect(b / a).toBeCloseTo(4, 2)
  })

  it('draws a whisker and says the range where runs differ, and not where they do not', () => {
    const svg = chart({ label: 'a', value: value(2, 1, 4) }, { label: 'b', value: value(3) })
    expect(svg).toContain('2.0 (1.0..4.0)')
    expect(svg).toContain('>3.0<')
    expect(svg.match(/<line/g)?.length).toBe(1)
  })

  it('says where nothing was measured, and escapes what XML would read', () => {
    const svg = chart({ label: 'a' })
    expect(svg).toContain('not measured')
    expect(svg).toContain('CPU &lt;a frame&gt;')
    expect(svg).toContain('less &amp; better')
    expect(widths(svg)).toEqual([])
  })

  it('fits into its frame, whatever the values', () => {
    const svg = chart({ label: 'a', value: value(1, 0, 1e9) })
    const frame = Number(/ width="(\d+)"/.exec(svg)?.[1])
    for (const [, at] of svg.matchAll(/ x2?="([\d.]+)"/g)) expect(Number(at)).toBeLessThan(frame)
  })
})

describe('the pictures of a run', () => {
  it('fill ours differently, leave no tap out, and show shares in per cent', () => {
    const key = 'udp-64-max/spare'
    const made = pictures(
      results(cell('none', key, {}), cell('libpcap', key, { share: 0.5 }), cell('vxtap-gso', key, {})),
    )
    const mirrored = made.get('performance-mirrored.svg') ?? ''
    expect(mirrored).toContain('the libpcap')
    expect(mirrored).not.toContain('the none')
    expect(mirrored).toContain('>50.0<')
    expect(mirrored.match(/class="o"/g)?.length).toBe(1)
  })
})
