import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Pace } from '../../../../sidecar/engine/pace.ts'

const blockCount = 16

/** Blocks a millisecond, for so many milliseconds, the ring found empty after each block or each 4 ms. */
function steady(pace: Pace, rate: number, fromMs: number, ms: number): number {
  const every = Math.min(4, 1 / rate)
  let now = fromMs
  for (; now < fromMs + ms; now += every) {
    pace.came(rate * every)
    pace.emptied(now + every)
  }
  return now
}

describe('given a ring of 16 blocks', () => {
  it.each([
    ['nothing comes', 0.0001, Number.POSITIVE_INFINITY],
    ['less than a block comes in the longest pause', 0.24, Number.POSITIVE_INFINITY],
    ['a block comes in the longest pause', 0.26, 4],
    ['an eighth of the ring comes in the longest pause', 0.5, 4],
    ['more comes', 0.8, 2.5],
    ['an eighth of the ring comes in the shortest pause', 1, 2],
    ['more than that comes', 1.01, 0],
    ['blocks come as fast as they can', 20, 0],
  ])('when %s, then %d blocks a millisecond are let come for %d ms', (_, rate, pauseMs) => {
    const pace = new Pace(blockCount, 0)
    steady(pace, rate, 0, 50)
    expect(pace.pauseMs()).toBeCloseTo(pauseMs, 1)
  })

  it('when a burst is over, then no pause is made for a while, and then the ring is left alone again', () => {
    const pace = new Pace(blockCount, 0)
    let now = steady(pace, 3.5, 0, 20)
    now = steady(pace, 0.3, now, 40)
    expect(pace.pauseMs()).toBe(0)
    now = steady(pace, 0.3, now, 1000)
    expect(pace.pauseMs()).toBe(4)
    steady(pace, 0.001, now, 4000)
    expect(pace.pauseMs()).toBe(Number.POSITIVE_INFINITY)
  })

  it('when two blocks happen to come together, then they do not pass for fast traffic', () => {
    const pace = new Pace(blockCount, 0)
    steady(pace, 0.1, 0, 100)
    pace.came(1)
    pace.emptied(100.01)
    pace.came(1)
    pace.emptied(100.02)
    expect(pace.pauseMs()).toBe(Number.POSITIVE_INFINITY)
  })

  it('when a block comes now and then after a burst, then it does not pass for fast traffic', () => {
    const pace = new Pace(4, 0)
    const from = steady(pace, 3, 0, 50)
    expect(pace.pauseMs()).toBe(0)
    // Looked at each millisecond, as long as no pause is made.
    for (let ms = 1; ms <= 1000; ms++) {
      if (ms % 50 === 0) pace.came(1)
      pace.emptied(from + ms)
    }
    expect(pace.pauseMs()).toBe(Number.POSITIVE_INFINITY)
  })

  it('when it is found empty at any times, then a pause never lets more than an eighth of it fill at the rate of late', () => {
    const looks = fc.array(
      fc.record({ after: fc.double({ min: 0, max: 20, noNaN: true }), blocks: fc.nat({ max: 16 }) }),
      {
        minLength: 1,
        maxLength: 30,
      },
    )
    fc.assert(
      fc.property(looks, (times) => {
        const pace = new Pace(blockCount, 0)
        let now = 0
        let since = 0
        let blocks = 0
        let rate = 0
        for (const look of times) {
          now += look.after
          blocks += look.blocks
          pace.came(look.blocks)
          pace.emptied(now)
          if (now - since < 1) continue
          rate = blocks / (now - since)
          since = now
          blocks = 0
        }
        const pauseMs = pace.pauseMs()
        expect(Number.isNaN(pauseMs)).toBe(false)
        if (pauseMs === Number.POSITIVE_INFINITY) expect(rate * 4).toBeLessThan(1)
        else expect(pauseMs * rate).toBeLessThanOrEqual(blockCount / 8 + 1e-9)
      }),
      { numRuns: 500, seed: 46 },
    )
  })
})
