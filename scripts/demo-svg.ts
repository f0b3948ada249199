/**
 * Makes docs/demo.svg from the demonstration's real output:
 *
 *   sh scripts/sandbox.sh bin/vxtap demo | node scripts/demo-svg.ts >docs/demo.svg
 *
 * Text stays text, so that it can be selected and searched; colours follow the reader's light or dark theme.
 */
import { readFileSync } from 'node:fs'

const fontSize = 12
/** Advance of a monospaced letter, as a share of the font size; a little more than most fonts have. */
const advance = 0.605
const lineHeight = 17
const margin = 16
const barHeight = 28

const style = `
text{font:${fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:#24292f}
.b{fill:#f6f8fa;stroke:#d0d7de}.n{fill:#57606a}.l{fill:#0550ae}.d{fill:#57606a}.g{fill:#116329;font-weight:bold}.r{fill:#cf222e}.h{font-weight:bold}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#0d1117;stroke:#30363d}.n{fill:#8b949e}.l{fill:#79c0ff}.d{fill:#8b949e}.g{fill:#56d364}.r{fill:#ff7b72}}
`

/** What a line looks like: rules from the first that fits. `label` is the column in front of the text. */
const kinds: readonly (readonly [pattern: RegExp, text: string, label: string])[] = [
  [/^\$ |^vxtap:/, 'h', 'h'],
  [/^ {2}verdict +(outside|every)/, 'g', 'l'],
  [/^ {2}verdict/, 'r', 'l'],
  [/^ {15}\S|^ {15} {2}\S|^Pods are|^ {2}(Wire:|byte for byte)/, 'd', 'd'],
  [/^ {2}frames +on the wire/, 'h', 'h'],
  [/^ {2}[a-zA-Z0-9]+ {2,}(?!.* {3,}\d+$)/, '', 'l'],
]

const labelWidth = 15

/** @param output plain text, as the demonstration writes it where there is no terminal */
export function terminalPicture(output: string, command: string): string {
  const lines = [`$ ${command}`, ...output.trimEnd().split('\n')]
  const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * fontSize * advance) + 2 * margin
  const height = barHeight + lines.length * lineHeight + margin
  const body = lines.map((line, index) => textElement(line, barHeight + (index + 1) * lineHeight)).filter(Boolean)
  const dots = [0, 1, 2].map(
    (n) => `<circle class="n" cx="${margin + 4 + n * 16}" cy="${barHeight / 2}" r="4" opacity=".45"/>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Output of ${escaped(command)}">`,
    `<style>${style.trim()}</style>`,
    `<rect class="b" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...dots,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

function textElement(line: string, y: number): string {
  if (line.trim() === '') return ''
  const [, text, label] = kinds.find(([pattern]) => pattern.test(line)) ?? [/^/, '', '']
  const split = label !== text
  const start = split ? line.slice(0, labelWidth) : ''
  const rest = line.slice(start.length)
  const element = (content: string, kind: string) =>
    kind === '' ? escaped(content) : `<tspan class="${kind}">${escaped(content)}</tspan>`
  return `<text x="${margin}" y="${y}" xml:space="preserve">${start === '' ? '' : element(start, label)}${element(rest, text)}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

if (import.meta.main) process.stdout.write(terminalPicture(readFileSync(0, 'utf8'), 'make demo'))
