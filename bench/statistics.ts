/** The little statistics that three runs allow: the middle one, and how far the others were from it. Pure. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Undefined where nothing was measured; figures that are no numbers count as not measured. */
export function spread(values: readonly number[]): Spread | undefined {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) return undefined
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}
