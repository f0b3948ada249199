import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { errnoName } from '../../../../sidecar/linux/errno.ts'

describe('the name of an error number', () => {
  it('is the one that manual pages use where the number has two', () => {
    expect(errnoName(constants.errno.EAGAIN)).toBe('EAGAIN')
    expect(errnoName(constants.errno.EWOULDBLOCK)).toBe('EAGAIN')
  })

  it('is the number where it has none', () => {
    expect(errnoName(4000)).toBe('E4000')
  })
})
