import { describe, expect, it } from 'vitest'
import { againMs, type BlindSpotNotice, createAnnouncer } from '../../../injector/blind-spots/announce.ts'
import { judgePod } from '../../../injector/blind-spots/judge.ts'
import type { JsonObject } from '../../../injector/json.ts'
import { config, modern, namespace, optedIn, pod } from './fixtures.ts'

const owned = (uid: string, spec: JsonObject = {}): JsonObject =>
  pod(
    {
      name: `web-${uid}`,
      namespace: 'shop',
      labels: optedIn,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid, controller: true }],
    },
    spec,
  )

function announcer() {
  const posted: string[] = []
  const logged: string[] = []
  const failures: string[] = []
  const clock = { now: 0, failing: false }
  const announce = createAnnouncer({
    post: async ({ owner }: BlindSpotNotice) => {
      if (clock.failing) throw new Error('forbidden')
      posted.push(owner.uid)
    },
    log: ({ owner }) => logged.push(owner.uid),
    failed: (_notice, error) => failures.push(error.message),
    now: () => clock.now,
  })
  const found = (object: JsonObject) => announce(object, judgePod(object, namespace(), modern, config))
  return { found, posted, logged, failures, clock }
}

describe('an owner of pods without a tap', () => {
  it('is told once, however many pods it has, and again when its event may be gone', async () => {
    const { found, posted, logged, clock } = announcer()
    await found(owned('a'))
    await found(owned('a'))
    await found(owned('b'))
    expect(posted).toEqual(['a', 'b'])
    clock.now = againMs
    await found(owned('a'))
    expect(posted).toEqual(['a', 'b', 'a'])
    expect(logged).toEqual(['a', 'b'])
  })

  it('is not told what it was told when the pod was created', async () => {
    const { found, posted } = announcer()
    await found(owned('a', { hostNetwork: true }))
    expect(posted).toEqual([])
  })

  it('is told again when that failed, and nothing is thrown', async () => {
    const { found, posted, failures, clock } = announcer()
    clock.failing = true
    await found(owned('a'))
    expect(failures).toEqual(['forbidden'])
    clock.failing = false
    await found(owned('a'))
    expect(posted).toEqual(['a'])
  })
})
