import { describe, expect, it } from 'vitest'
import { between, bucketsOf, observations, quantile } from '../../bench/injector/histogram.ts'

const exposition = (counts: readonly number[]) => `# TYPE seconds histogram
${['0.005', '0.025', '0.1', '+Inf'].map((le, index) => `seconds_bucket{name="ours",type="admit",le="${le}"} ${counts[index]}`).join('\n')}
seconds_bucket{name="theirs",type="admit",le="0.005"} 1000
seconds_sum{name="ours",type="admit"} 7
`
const read = (...counts: number[]) => bucketsOf(exposition(counts), 'seconds', ['name="ours"', 'type="admit"'])

describe('a histogram of the API server', () => {
  it('is read for one webhook, bound by bound', () => {
    expect(read(1, 2, 3, 4)).toEqual([
      { atMost: 0.005, count: 1 },
      { atMost: 0.025, count: 2 },
      { atMost: 0.1, count: 3 },
      { atMost: Number.POSITIVE_INFINITY, count: 4 },
    ])
  })

  it('has quantiles within its buckets, as Prometheus makes them', () => {
    const calls = between(read(10, 10, 10, 10), read(60, 100, 109, 110))
    expect(observations(calls)).toBe(100)
    expect(quantile(calls, 0.25)).toBeCloseTo(0.0025)
    expect(quantile(calls, 0.5)).toBeCloseTo(0.005)
    expect(quantile(calls, 0.9)).toBeCloseTo(0.025)
    expect(quantile(calls, 0.99)).toBeCloseTo(0.1)
    expect(quantile(calls, 1)).toBe(0.1)
  })

  it('without observations has none', () => {
    expect(quantile(between(read(1, 1, 1, 1), read(1, 1, 1, 1)), 0.5)).toBeNaN()
  })
})
