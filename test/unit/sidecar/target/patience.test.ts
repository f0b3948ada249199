import { describe, expect, it } from 'vitest'
import { herd } from '../../../../bench/scale/herd.ts'
import { ApiError } from '../../../../sidecar/target/api-client.ts'
import { Patience } from '../../../../sidecar/target/patience.ts'
import type { WatchOutcome } from '../../../../sidecar/target/pod-source.ts'
import { defaultTiming } from '../../../../sidecar/target/timing.ts'

const unreachable = new ApiError('unreachable', 'ECONNRESET')
const gone = new ApiError('gone', 'too old resource version')
const watch = (outcome: Partial<WatchOutcome>): WatchOutcome => ({
  lastedMs: 120_000,
  askedMs: 300_000,
  items: 2,
  error: undefined,
  ...outcome,
})
const patient = (random = 0.5): Patience => new Patience(defaultTiming, () => random)

describe('after a watch', () => {
  it('given it ended in its own time, then the next is asked for at once', () => {
    expect(patient().afterWatch(watch({ lastedMs: 299_990 }))).toBe(0)
  })

  it.each([
    ['the server ended it in order before its time', undefined],
    ['its connection was cut', unreachable],
    ['its history is gone', gone],
  ])('given %s, then the next comes at any moment of a second', (_, error) => {
    expect([0, 0.5, 0.999].map((random) => patient(random).afterWatch(watch({ error })))).toEqual([0, 500, 999])
  })

  it('given one that was cut, when nobody answers, then the limits go on doubling from there', () => {
    const patience = patient(1)
    patience.afterWatch(watch({ error: unreachable }))
    expect([1, 2, 3, 4].map(() => patience.afterRefusal(unreachable))).toEqual([1600, 3200, 6400, 12_800])
  })

  it('given it ended as soon as it was open and brought nothing, then it counts as refused', () => {
    const patience = patient(1)
    const short = watch({ lastedMs: 3, items: 0 })
    expect([1, 2, 3].map(() => patience.afterWatch(short))).toEqual([100, 200, 400])
  })
})

describe('after a refusal', () => {
  it('given 401, then the token is read again at once, but not twice before a watch has worked', () => {
    const patience = patient()
    const expired = new ApiError('unauthorized', '401')
    expect(patience.afterRefusal(expired)).toBe(0)
    expect(patience.afterRefusal(expired)).toBeGreaterThan(0)
    patience.afterWatch(watch({}))
    expect(patience.afterRefusal(expired)).toBe(0)
  })

  it('given 410, then the list comes at any moment of a second, and if there is another, as after any refusal', () => {
    expect([0, 0.5, 0.999].map((random) => patient(random).afterRefusal(gone))).toEqual([0, 500, 999])
    const patience = patient(1)
    patience.afterWatch(watch({ lastedMs: 1, items: 0, error: gone }))
    expect(patience.afterRefusal(gone)).toBe(100)
  })

  it('given the server says for how long, then up to as much again is added, and never more than our own limit', () => {
    const busy = (ms: number): ApiError => new ApiError('refused', '429', '', ms)
    expect([0, 0.5].map((random) => patient(random).afterRefusal(busy(1000)))).toEqual([1000, 1500])
    expect(patient().afterRefusal(busy(9_999_000))).toBe(defaultTiming.backOffCapMs)
  })
})

describe('given ten thousand sidecars that lose their watch at one moment', () => {
  const sidecars = 10_000
  const random = (): (() => number) => {
    let state = 1
    // Marsaglia's xorshift32: the same herd in each run.
    return () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return (state >>> 0) / 2 ** 32
    }
  }

  it.each(['in order', 'cut'] as const)(
    'when another API server takes over at once and it ended %s, then they come back over a second',
    (ended) => {
      const { refused, peakPer100Ms, allBackMs } = herd({ sidecars, downMs: 0, ended }, random())
      expect(refused).toBe(0)
      expect(peakPer100Ms).toBeLessThan(1200)
      expect(allBackMs).toBeLessThanOrEqual(1000)
    },
  )

  it.each([
    [300, 1500],
    [1000, 1200],
    [5000, 400],
    [60_000, 150],
  ])('when nobody answers for %i ms, then at most %i come back within 100 ms', (downMs, most) => {
    const { peakPer100Ms, allBackMs } = herd({ sidecars, downMs, ended: 'cut' }, random())
    expect(peakPer100Ms).toBeLessThan(most)
    expect(allBackMs).toBeLessThanOrEqual(defaultTiming.backOffCapMs)
  })
})
