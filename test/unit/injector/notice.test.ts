import { describe, expect, it } from 'vitest'
import { createTeller, type Notice, noticeOf } from '../../../injector/notice.ts'
import { skip } from '../../../injector/plan.ts'
import type { AdmissionRequest } from '../../../injector/review.ts'

const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4', uid: 'u-1' }

function requestOf(
  changes: Partial<AdmissionRequest> = {},
  owners: readonly object[] = [{ ...owner, controller: true }],
) {
  const object = { metadata: { ownerReferences: owners } } as unknown as NonNullable<AdmissionRequest['object']>
  return { namespace: 'shop', dryRun: false, object, ...changes } as AdmissionRequest
}

const hostNetwork = skip('host_network', {})

describe('a decision that warns', () => {
  it("is told to the pod's controller", () => {
    const notice = noticeOf(
      requestOf({}, [
        { ...owner, uid: 'other' },
        { ...owner, controller: true },
      ]),
      hostNetwork,
    )
    expect(notice).toEqual({ namespace: 'shop', owner, reason: 'host_network', message: hostNetwork.warnings[0] })
  })

  it('is told to nobody where the pod has no owner, where nothing is wrong, and in a dry run', () => {
    expect(noticeOf(requestOf({}, []), hostNetwork)).toBeUndefined()
    expect(noticeOf(requestOf(), skip('not_opted_in', {}))).toBeUndefined()
    expect(noticeOf(requestOf({ dryRun: true }), hostNetwork)).toBeUndefined()
  })

  it('is cut to what an event takes', () => {
    const long = skip('invalid_annotation', { problem: 'ä'.repeat(2000) })
    expect(Buffer.byteLength(noticeOf(requestOf(), long)?.message ?? '')).toBeLessThanOrEqual(1002)
  })
})

describe('telling', () => {
  const notice: Notice = { namespace: 'shop', owner, reason: 'host_network', message: 'why' }

  it('says the same to the same owner once in ten minutes', async () => {
    const posted: Notice[] = []
    let now = 0
    const tell = createTeller(
      async (told) => void posted.push(told),
      () => undefined,
      () => now,
    )
    tell(notice)
    tell(notice)
    tell({ ...notice, reason: 'windows' })
    tell({ ...notice, owner: { ...owner, uid: 'u-2' } })
    expect(posted.length).toBe(3)
    now = 600_000
    await Promise.resolve()
    tell(notice)
    expect(posted.length).toBe(4)
  })

  it('leaves out what is too much while the API server is slow, and goes on when it answers', async () => {
    const pending: (() => void)[] = []
    const tell = createTeller(
      () => new Promise<void>((resolve) => pending.push(resolve)),
      () => undefined,
    )
    const many = Array.from({ length: 20 }, (_, index) => ({ ...notice, owner: { ...owner, uid: `u-${index}` } }))
    for (const each of many) tell(each)
    expect(pending.length).toBe(8)
    for (const answer of pending) answer()
    await new Promise((resolve) => setImmediate(resolve))
    tell(many[19]!)
    expect(pending.length).toBe(9)
  })

  it('says when it failed, and does not throw', async () => {
    const failures: string[] = []
    const tell = createTeller(
      () => Promise.reject(new Error('forbidden')),
      (_, error) => failures.push(error.message),
    )
    tell(notice)
    await new Promise((resolve) => setImmediate(resolve))
    expect(failures).toEqual(['forbidden'])
  })
})
