import { describe, expect, it } from 'vitest'
import { missingNumbers } from '../../e2e/world/numbered.ts'

const arrived = (...numbers: readonly number[]) => numbers.map((number) => ({ number, sentMs: number * 5 }))

describe('the numbers that are missing', () => {
  it('are those between the first and the last that no sensor has, whatever the order', () => {
    expect(missingNumbers(arrived(0, 1, 5, 2, 6), 0)).toEqual([3, 4])
    expect(missingNumbers(arrived(3, 4, 5), 3)).toEqual([])
  })

  it('count from the number that was to be the first', () => {
    expect(missingNumbers(arrived(2, 3, 5), 0)).toEqual([0, 1, 4])
  })
})
