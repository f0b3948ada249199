/** The live table on a terminal: its own (alternate) screen, so that the scroll-back survives. */
import type { Report } from './report.ts'
import type { Palette } from './report-text.ts'
import { faultLines, flowLines, totalsLines } from './report-text.ts'

/** Alternate screen, no cursor, and no wrapping: the terminal cuts what is too long, so that a row stays a row. */
const enterScreen = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const leaveScreen = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const toTop = '\x1b[H'
const clearToLineEnd = '\x1b[K'
const clearToScreenEnd = '\x1b[J'

/** Where text goes: process.stdout, or a test's record. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  /** Size of the terminal, where it is one. */
  readonly columns?: number
  readonly rows?: number
}

/** A terminal that does not tell its size. */
const defaultColumns = 80
const defaultRows = 24

export class Screen {
  readonly #out: Output
  readonly #colour: Palette

  constructor(out: Output, colour: Palette) {
    this.#out = out
    this.#colour = colour
    out.write(enterScreen)
  }

  draw(now: Report): void {
    const lines = screenLines(now, this.#out.columns ?? defaultColumns, this.#out.rows ?? defaultRows, this.#colour)
    this.#out.write(`${toTop}${lines.map((line) => line + clearToLineEnd).join('\n')}${clearToScreenEnd}`)
  }

  close(): void {
    this.#out.write(leaveScreen)
  }
}

/** What fits on a screen: totals, then faults, then as many flows as there is room for. Pure. */
export function screenLines(now: Report, columns: number, rows: number, colour: Palette): string[] {
  const lines = totalsLines(now, colour)
  lines.push(...faultLines(now, colour).slice(0, Math.max(0, Math.floor(rows / 3))))
  lines.push('')
  const room = Math.max(0, rows - lines.length - 1)
  lines.push(...flowLines(now.topFlows.slice(0, room), columns, colour))
  return lines.slice(0, rows)
}
