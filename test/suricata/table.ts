/** The comparison as a Markdown table, readable as it stands. Pure. */
import type { Outcome } from './scenario.ts'

const titles = ['tap', 'HTTP transactions seen', 'bodies whole', 'alerts', 'checksums called invalid']

export function table(outcomes: readonly Outcome[], transfers: number): string {
  const rows = outcomes.map((outcome) => [
    outcome.tap,
    `${outcome.transactions} of ${transfers}`,
    `${outcome.wholeBodies} of ${transfers}`,
    `${outcome.alerts} of ${transfers}`,
    String(outcome.invalidChecksums),
  ])
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
