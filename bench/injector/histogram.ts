/** Prometheus histograms as a server exposes them, and quantiles the way that `histogram_quantile` makes them. Pure. */

/** Observations at or below each bound, ascending; the last bound is infinite. */
export type Buckets = readonly { readonly atMost: number; readonly count: number }[]

/** @param labels all of which a series must have, as they are written: `type="admit"` */
export function bucketsOf(exposition: string, name: string, labels: readonly string[]): Buckets {
  const counts = new Map<number, number>()
  for (const line of exposition.split('\n')) {
    if (!line.startsWith(`${name}_bucket{`) || !labels.every((label) => line.includes(label))) continue
    const bound = /le="([^"]+)"/.exec(line)?.[1]
    const atMost = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)
    const count = Number(line.slice(line.lastIndexOf(' ') + 1))
    counts.set(atMost, (counts.get(atMost) ?? 0) + count)
  }
  return [...counts].map(([atMost, count]) => ({ atMost, count })).sort((a, b) => a.atMost - b.atMost)
}

/** What was observed between two readings. */
export function between(before: Buckets, after: Buckets): Buckets {
  const counts = new Map(before.map(({ atMost, count }) => [atMost, count]))
  return after.map(({ atMost, count }) => ({ atMost, count: count - (counts.get(atMost) ?? 0) }))
}

export const observations = (buckets: Buckets): number => buckets.at(-1)?.count ?? 0

/**
 * Linear within the bucket that holds it: no finer than the bounds are. Beyond the last finite bound it is that bound.
 * @param share of 1, for instance 0.99
 */
export function quantile(buckets: Buckets, share: number): number {
  const rank = share * observations(buckets)
  let lower = { atMost: 0, count: 0 }
  for (const bucket of buckets) {
    if (bucket.count >= rank && bucket.count > lower.count) {
      if (bucket.atMost === Number.POSITIVE_INFINITY) return lower.atMost
      const within = (rank - lower.count) / (bucket.count - lower.count)
      return lower.atMost + (bucket.atMost - lower.atMost) * within
    }
    lower = bucket
  }
  return Number.NaN
}
