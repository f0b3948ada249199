/** A table of aligned columns, as kubectl prints them. Pure. */
export type Colour = 'red' | 'yellow' | 'green' | 'grey'

export interface Cell {
  readonly text: string
  readonly colour?: Colour
}

const codes: Readonly<Record<Colour, number>> = { red: 31, yellow: 33, green: 32, grey: 90 }

export const painted = (text: string, colour: Colour | undefined, colours: boolean): string =>
  colour === undefined || !colours ? text : `\x1b[${codes[colour]}m${text}\x1b[39m`

/** @param colours whether escape sequences are written, which only a terminal understands */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[], colours: boolean): string {
  const widths = header.map((name, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.text.length ?? 0), name.length),
  )
  const line = (cells: readonly Cell[]): string =>
    cells
      .map(({ text, colour }, column) => {
        const padding = column === cells.length - 1 ? '' : ' '.repeat((widths[column] ?? 0) - text.length + 2)
        return painted(text, colour, colours) + padding
      })
      .join('')
  return [line(header.map((text) => ({ text }))), ...rows.map(line)].map((text) => `${text.trimEnd()}\n`).join('')
}
