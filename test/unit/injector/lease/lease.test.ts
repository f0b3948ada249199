import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mayWrite, observe } from '../../../../injector/lease/decide.ts'
import { type HeldLease, holdLease, type LeaseApi } from '../../../../injector/lease/hold.ts'

const record = { holder: 'other', durationMs: 15_000, renewTime: 'a' }

describe('whether to write oneself into a lease', () => {
  it('given nobody, or oneself, then at once', () => {
    expect(mayWrite(0, 'me', { record: { ...record, holder: '' }, since: 0 })).toBe(true)
    expect(mayWrite(0, 'me', { record: { ...record, holder: 'me' }, since: 0 })).toBe(true)
  })

  it('given somebody else, then when its record has not changed for its duration, whatever its clock says', () => {
    const first = observe(1000, undefined, { ...record, renewTime: '1999-01-01T00:00:00Z' })
    expect(mayWrite(15_999, 'me', first)).toBe(false)
    expect(mayWrite(16_000, 'me', first)).toBe(true)
    const renewed = observe(15_000, first, record)
    expect(mayWrite(16_000, 'me', renewed)).toBe(false)
    expect(observe(20_000, renewed, { ...record }).since).toBe(15_000)
  })
})

/** A lease with versions, clocks that a test moves, and loops that stop at each pause until they are let go on. */
function stage() {
  let now = 0
  let version = 0
  let present = { holder: '', durationMs: 0, renewTime: '' }
  const conflicts: string[] = []
  const actors: { lease: HeldLease; go: () => Promise<void> }[] = []
  const join = (identity: string) => {
    let read = -1
    let resume = (): void => undefined
    const api: LeaseApi = {
      async read() {
        read = version
        return present
      },
      async write(holder, durationMs) {
        if (read !== version) throw new Error('conflict')
        version++
        present = { holder, durationMs, renewTime: `${identity} ${now}` }
      },
    }
    const lease = holdLease(api, {
      identity,
      durationMs: 3000,
      now: () => now,
      pause: (_ms, signal) =>
        new Promise((resolve) => {
          resume = resolve
          signal.addEventListener('abort', () => resolve())
        }),
      changed: () => undefined,
      failed: () => conflicts.push(identity),
    })
    const go = async (): Promise<void> => {
      resume()
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    }
    const actor = { lease, go }
    actors.push(actor)
    return actor
  }
  return { join, actors, conflicts, wait: (ms: number) => (now += ms), holder: () => present.holder }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

describe('holders of one lease', () => {
  it('given any order of looks, then there is never more than one leader', async () => {
    const looks = fc.array(fc.record({ who: fc.nat(2), ms: fc.integer({ min: 0, max: 2500 }) }), { minLength: 40 })
    await fc.assert(
      fc.asyncProperty(looks, async (order) => {
        const { join, actors, wait } = stage()
        for (const name of ['a', 'b', 'c']) join(name)
        await settled()
        for (const { who, ms } of order) {
          wait(ms)
          await actors[who]!.go()
          expect(actors.filter(({ lease }) => lease.leading()).length).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 200, seed: 5 },
    )
  })

  it('given a leader that resigns, then the next look of another makes it the leader', async () => {
    const { join, wait, holder } = stage()
    const one = join('one')
    await settled()
    const other = join('other')
    await settled()
    expect([one.lease.leading(), other.lease.leading(), holder()]).toEqual([true, false, 'one'])
    await one.lease.resign()
    expect([one.lease.leading(), holder()]).toEqual([false, ''])
    wait(1)
    await other.go()
    expect([other.lease.leading(), holder()]).toEqual([true, 'other'])
  })

  it('given a leader that is not heard of any more, then it is followed after the duration, and no sooner', async () => {
    const { join, wait } = stage()
    const one = join('one')
    await settled()
    const other = join('other')
    await settled()
    wait(2999)
    await other.go()
    expect([one.lease.leading(), other.lease.leading()]).toEqual([true, false])
    wait(1)
    expect(one.lease.leading()).toBe(false)
    await other.go()
    expect(other.lease.leading()).toBe(true)
  })
})
