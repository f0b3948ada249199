import { describe, expect, it } from 'vitest'
import { RingAccount } from '../../../../sidecar/capture/ring-account.ts'
import { Counters } from '../../../../sidecar/counters.ts'

function accounted() {
  const counters = new Counters()
  const account = new RingAccount(counters)
  return { counters, account, kernel: (packets: number, drops = 0) => account.add({ packets, drops, freezes: 0 }) }
}

describe('given a ring whose frames the kernel counts', () => {
  it('when all of them are read, then none is unread, and what the ring had no room for is lost', () => {
    const { counters, account, kernel } = accounted()
    kernel(10, 3)
    expect(account.unread).toBe(7)
    account.block(7)
    expect(account.unread).toBe(0)
    expect(counters).toMatchObject({ capturedFrames: 3, dropped: { ring_full: 3, malformed: 0 } })
  })

  it('when a block is read before the kernel is asked, then that is no debt of the next', () => {
    const { account, kernel } = accounted()
    account.block(4)
    kernel(4)
    expect(account.unread).toBe(0)
  })

  it('when places are void, then the drops that they stand for are not called a full ring', () => {
    const { counters, account, kernel } = accounted()
    account.block(5)
    account.void()
    account.void()
    kernel(6, 3)
    expect(account.unread).toBe(0)
    expect(counters).toMatchObject({ capturedFrames: 3, dropped: { ring_full: 1, malformed: 2 } })
  })

  it('when the kernel had counted a void place before its block was read, then no counter ever falls', () => {
    const { counters, account, kernel } = accounted()
    kernel(1, 1)
    account.block(1)
    account.void()
    kernel(0)
    expect(counters).toMatchObject({ capturedFrames: 1, dropped: { ring_full: 1, malformed: 0 } })
    kernel(2, 2)
    expect(counters).toMatchObject({ capturedFrames: 3, dropped: { ring_full: 2, malformed: 1 } })
  })

  it('when it is given up with frames in it, then they are counted as lost, and the next ring begins anew', () => {
    const { counters, account, kernel } = accounted()
    kernel(9)
    account.block(4)
    account.abandon()
    expect(counters).toMatchObject({ capturedFrames: 5, dropped: { shutdown: 5 } })
    expect(account.unread).toBe(0)
    account.abandon()
    expect(counters.capturedFrames).toBe(5)
  })
})
