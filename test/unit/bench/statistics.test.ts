import { describe, expect, it } from 'vitest'
import { spread } from '../../../bench/statistics.ts'

describe('a spread', () => {
  it('given an odd number of figures, is the middle one and the outermost, whatever their order', () => {
    expect(spread([30, 1, 7])).toEqual({ median: 7, min: 1, max: 30 })
  })

  it('given an even number, has the middle between the two in the middle', () => {
    expect(spread([4, 1, 2, 100])).toEqual({ median: 3, min: 1, max: 100 })
  })

  it('given a figure that could not be measured, is none, and not that of the others', () => {
    expect(spread([5, Number.POSITIVE_INFINITY, 5])).toBeUndefined()
    expect(spread([5, Number.NaN, 5])).toBeUndefined()
    expect(spread([Number.NaN])).toBeUndefined()
    expect(spread([])).toBeUndefined()
  })
})
