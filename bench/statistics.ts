/** The little statistics that three runs allow: the middle one, and how far the others were from it. Pure. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Undefined where nothing was measured, or a figure is no number: the middle of the rest would be that of the good ones. */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0 || !values.every(Number.isFinite)) return undefined
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}
