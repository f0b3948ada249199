/** The end of the demonstration's output, out of the picture of it, so that text and picture are of one run. */
import { readFileSync } from 'node:fs'

const picture = new URL('../../docs/demo.svg', import.meta.url)
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

/** The lines of a picture that scripts/demo-svg.ts made, as they stood in the terminal: a wider step is a blank line. */
export function textLines(svg: string): string[] {
  const elements = [...svg.matchAll(/<text[^>]* y="(?<y>\d+)"[^>]*>(?<content>[\s\S]*?)<\/text>/g)]
  const heights = elements.map((match) => Number(match.groups?.['y']))
  const step = Math.min(...heights.slice(1).map((y, index) => y - (heights[index] ?? 0)))
  return elements.flatMap((match, index) => {
    const text = (match.groups?.['content'] ?? '')
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole)
      .trimEnd()
    const blank = index > 0 && (heights[index] ?? 0) - (heights[index - 1] ?? 0) > step
    return blank ? ['', text] : [text]
  })
}

/** @throws where the picture does not end as a demonstration does. */
export function demoResult(): string {
  const lines = textLines(readFileSync(picture, 'utf8'))
  const start = lines.findIndex((line) => /^ {2}frames +on the wire/.test(line))
  const end = lines.findIndex((line) => line.startsWith('  verdict'))
  if (start < 0 || end < start) throw new Error('docs/demo.svg holds no table of frames with a verdict after it')
  return `\`\`\`text\n${lines.slice(start, end + 1).join('\n')}\n\`\`\``
}
