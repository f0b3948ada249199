import { describe, expect, it } from 'vitest'
import { allowedCores, coreList, realCores } from '../../../bench/cores.ts'

describe('cores', () => {
  it('are read as the kernel lists them', () => {
    expect(coreList('0-3,8,10-11\n')).toEqual([0, 1, 2, 3, 8, 10, 11])
    expect(allowedCores('Name:\tnode\nCpus_allowed_list:\t2-3\n')).toEqual([2, 3])
  })

  it('of the matrix are those that may be used, and the one there is where there is no other', () => {
    expect(realCores([0, 1], [2, 3])).toBe('2,3')
    expect(realCores([1], [2, 3])).toBe('3')
    expect(realCores([0, 1], [5])).toBe('5')
  })
})
