/** Bars with whiskers as SVG. Pure; text stays text, and colours follow the reader's light or dark theme. */
import type { Spread } from './statistics.ts'

export interface Bar {
  readonly label: string
  readonly value: Spread | undefined
  /** Ours are filled differently. */
  readonly ours: boolean
}

export interface Group {
  readonly name: string
  readonly bars: readonly Bar[]
}

export interface Chart {
  readonly title: string
  /** What the bars' length is, with its unit; which way is better. */
  readonly caption: string
  readonly digits: number
  readonly groups: readonly Group[]
}

const width = 820
const labelWidth = 250
const valueWidth = 170
const lineHeight = 20
const barHeight = 12
const titleHeight = 54
const groupHeight = 30

const style = `
text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#24292f}
.t{font-size:15px;font-weight:600}.c{fill:#57606a}.g{font-weight:600}.e{text-anchor:end}
.r{fill:#8c959f}.o{fill:#0969da}.w{stroke:#24292f;stroke-width:1}.b{fill:#fff;stroke:#d0d7de}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.c{fill:#8b949e}.r{fill:#6e7681}.o{fill:#2f81f7}.w{stroke:#e6edf3}.b{fill:#0d1117;stroke:#30363d}}
`

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** A tenth of a pixel is finer than anybody sees, and keeps the file's differences small. */
const at = (number: number): string => String(Math.round(number * 10) / 10)

export function barChart(chart: Chart): string {
  const longest = Math.max(...chart.groups.flatMap(({ bars }) => bars.map(({ value }) => value?.max ?? 0)), 0)
  const room = width - labelWidth - valueWidth
  const scale = (value: number): number => (longest === 0 ? 0 : (value / longest) * room)
  const lines: string[] = []
  let y = titleHeight
  for (const group of chart.groups) {
    y += groupHeight
    lines.push(`<text class="g" x="16" y="${y - 6}">${escaped(group.name)}</text>`)
    for (const bar of group.bars) {
      lines.push(...barLines(bar, y, chart.digits, scale))
      y += lineHeight
    }
  }
  const height = y + 16
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(chart.title)}">`,
    `<style>${style.trim()}</style>`,
    `<rect class="b" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    `<text class="t" x="16" y="28">${escaped(chart.title)}</text>`,
    `<text class="c" x="16" y="48">${escaped(chart.caption)}</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n')
}

function barLines({ label, value, ours }: Bar, y: number, digits: number, scale: (value: number) => number): string[] {
  const text = `<text class="e" x="${labelWidth - 10}" y="${y + 14}">${escaped(label)}</text>`
  if (value === undefined) return [text, `<text class="c" x="${labelWidth}" y="${y + 14}">not measured</text>`]
  const [from, to, end] = [value.min, value.max, value.median].map((one) => labelWidth + scale(one)) as [
    number,
    number,
    number,
  ]
  const middle = y + 4 + barHeight / 2
  const shown = [value.median, value.min, value.max].map((one) => one.toFixed(digits))
  const spread = value.min === value.max ? '' : ` (${shown[1]}..${shown[2]})`
  return [
    text,
    `<rect class="${ours ? 'o' : 'r'}" x="${labelWidth}" y="${y + 4}" width="${at(Math.max(end - labelWidth, 1))}" height="${barHeight}"/>`,
    ...(value.min === value.max
      ? []
      : [`<line class="w" x1="${at(from)}" y1="${at(middle)}" x2="${at(to)}" y2="${at(middle)}"/>`]),
    `<text x="${at(Math.max(to, end) + 6)}" y="${y + 14}">${shown[0]}${spread}</text>`,
  ]
}
