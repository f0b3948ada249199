/**
 * What the demonstration prints: one line for each thing that happened, with how long it took. On a terminal the line
 * shows first what is being waited for; elsewhere only finished lines appear, without colours.
 */

export interface DisplayOptions {
  readonly write: (text: string) => void
  readonly terminal: boolean
  readonly colours: boolean
}

const labelWidth = 13
const styles = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const
export type Style = keyof typeof styles

export class Display {
  readonly #options: DisplayOptions
  #waiting = false

  constructor(options: DisplayOptions) {
    this.#options = options
  }

  style(style: Style, text: string): string {
    return this.#options.colours ? `\u001b[${styles[style]}m${text}\u001b[0m` : text
  }

  line(text = ''): void {
    this.#clear()
    this.#options.write(`${text}\n`)
  }

  /** `label   text`, the label in a column of its own. */
  item(label: string, text: string): void {
    this.line(`  ${this.style('cyan', label.padEnd(labelWidth))}${text}`)
  }

  /** Runs a step; the line is what it returns, followed by the time that it took. */
  async step(label: string, doing: string, work: () => Promise<string>): Promise<void> {
    if (this.#options.terminal) {
      this.#options.write(`  ${this.style('cyan', label.padEnd(labelWidth))}${this.style('dim', `${doing} ...`)}`)
      this.#waiting = true
    }
    const started = performance.now()
    const text = await work().finally(() => this.#clear())
    const seconds = (performance.now() - started) / 1000
    this.item(label, `${text}  ${this.style('dim', `${seconds.toFixed(1)} s`)}`)
  }

  #clear(): void {
    if (this.#waiting) this.#options.write('\r\u001b[2K')
    this.#waiting = false
  }
}

/** Rows in columns: the first to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)))
  return rows.map((row) =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[index]!))).join('   '),
  )
}

/** 1234567 as `1 234 567`. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}
