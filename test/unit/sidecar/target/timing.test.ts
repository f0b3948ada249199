import { describe, expect, it } from 'vitest'
import { backOffMs, defaultTiming } from '../../../../sidecar/target/timing.ts'

describe('back-off', () => {
  it('doubles from 100 ms up to 30 s and stays there', () => {
    const limits = Array.from({ length: 12 }, (_, failures) => backOffMs(failures, defaultTiming, () => 1))
    expect(limits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000])
    expect(backOffMs(100_000, defaultTiming, () => 1)).toBe(30_000)
  })

  it('is spread over everything from nothing to the limit', () => {
    expect(backOffMs(3, defaultTiming, () => 0)).toBe(0)
    expect(backOffMs(3, defaultTiming, () => 0.25)).toBe(200)
  })
})
