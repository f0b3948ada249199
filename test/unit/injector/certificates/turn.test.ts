import { beforeEach, describe, expect, it } from 'vitest'
import { nextState } from '../../../../injector/certificates/carry-out.ts'
import { type CertificateLives, type Published, planCertificates } from '../../../../injector/certificates/plan.ts'
import type { CertificateState } from '../../../../injector/certificates/state.ts'
import { createTurn, type Turn } from '../../../../injector/certificates/turn.ts'
import { names } from './world.ts'

const day = 86_400_000
const lives: CertificateLives = { leafMs: 30 * day, authorityMs: 365 * day }
const start = Date.parse('2026-03-01T00:00:00Z')
const begin = (at = start): Promise<CertificateState> =>
  nextState({ kind: 'begin', former: undefined }, undefined, at, lives, names)
const publishing = (state?: CertificateState): Published => ({
  bundles: [state?.authority.certificate ?? ''],
  ages: new Map(state === undefined ? [] : [[state.authority.certificate, 3_600_000]]),
})

describe('given certificates that live 30 days, whose turn it is', () => {
  let elapsed: number
  let skew: number
  let leads: boolean
  let missing: boolean
  let turn: Turn
  beforeEach(() => {
    ;[elapsed, skew, leads, missing] = [0, 0, false, false]
    turn = createTurn({
      lives,
      leading: () => leads,
      leaseMissing: () => missing,
      now: () => 1000 + elapsed,
      date: () => start + elapsed + skew,
    })
  })

  it('when one holds the Lease, then its, at once, and as often as it likes', () => {
    leads = true
    turn.acted('renew-leaf')
    expect([turn.untilLook(), turn.untilAct('renew-leaf')]).toEqual([0, 0])
  })

  it('when there is no Lease, then everybody’s, at once', () => {
    missing = true
    expect([turn.untilLook(), turn.untilAct('begin')]).toEqual([0, 0])
  })

  it('when nobody leads and there is no certificate, then everybody’s after 30 s', () => {
    turn.see(undefined, publishing())
    expect(turn.untilLook()).toBe(30_000)
    elapsed = 30_000
    expect([turn.untilLook(), turn.untilAct('begin')]).toEqual([0, 0])
  })

  it('when nobody publishes what the Secret has, then everybody’s 30 s after it began, and nobody’s once it is', async () => {
    const state = await begin()
    turn.see(state, publishing(state))
    elapsed = 60_000
    turn.see(state, publishing())
    expect(turn.untilLook()).toBe(30_000)
    elapsed = 80_000
    turn.see(state, publishing())
    expect(turn.untilAct('publish')).toBe(10_000)
    elapsed = 90_000
    expect(turn.untilAct('publish')).toBe(0)
    turn.see(state, publishing(state))
    expect(turn.untilLook()).toBe(22.5 * day - 90_000)
  })

  it('when a clock is 25 days ahead, then it does the same thing once in 15 s, whatever the others make of it', async () => {
    skew = 25 * day
    const state = await begin()
    turn.see(state, publishing(state))
    const kinds = planCertificates(start + skew, state, publishing(state), lives, names).map(({ kind }) => kind)
    expect(kinds).toEqual(['renew-leaf'])
    expect(turn.untilAct('renew-leaf')).toBe(0)
    turn.acted('renew-leaf')
    turn.see(await begin(), publishing(state))
    expect(turn.untilAct('renew-leaf')).toBe(15_000)
    expect(turn.untilAct('publish')).toBe(0)
    elapsed = 15_000
    expect(turn.untilAct('renew-leaf')).toBe(0)
  })
})
