import { beforeEach, describe, expect, it } from 'vitest'
import { createLook, type Leadership } from '../../../../injector/certificates/lead.ts'
import { createPublicationClock } from '../../../../injector/certificates/publication-clock.ts'
import { writeState } from '../../../../injector/certificates/state.ts'
import { type CertificateStore, StoreError } from '../../../../injector/certificates/store.ts'
import { ApiError } from '../../../../injector/cluster/request.ts'
import type { Json } from '../../../../injector/json.ts'
import { lives, names } from './world.ts'

const webhook = (bundle: string) => ({ clientConfig: { caBundle: Buffer.from(bundle).toString('base64') } })

describe('one look of the leader', () => {
  let calls: string[]
  let secret: Json
  let configuration: Json
  let refusal: StoreError | undefined
  beforeEach(() => {
    calls = []
    secret = { metadata: { resourceVersion: '1' } }
    configuration = { metadata: { resourceVersion: '1' }, webhooks: [webhook('')] }
    refusal = undefined
  })

  const write = async (call: string, effect: () => void): Promise<void> => {
    calls.push(call)
    if (refusal !== undefined) throw refusal
    effect()
  }
  const store = {
    async readConfiguration() {
      calls.push('read configuration')
      return configuration
    },
    async readSecret() {
      calls.push('read secret')
      return secret
    },
    writeSecret: (_read, state) =>
      write('write secret', () => {
        secret = { metadata: { resourceVersion: '2' }, data: writeState(state) }
      }),
    writeBundle: (_read, bundle) =>
      write('write bundle', () => {
        configuration = { metadata: { resourceVersion: '2' }, webhooks: [webhook(bundle)] }
      }),
  } satisfies Partial<CertificateStore>
  const look = (untilAct: () => number = () => 0) => {
    const leadership: Leadership = {
      store: store as Partial<CertificateStore> as CertificateStore,
      publication: createPublicationClock(() => 0),
      lives,
      names,
      now: () => Date.parse('2026-03-01T00:00:00Z'),
      untilAct,
      done: (action, why) => calls.push(`${why}: ${action.kind}`),
    }
    return createLook(leadership)
  }
  const reads = ['read configuration', 'read secret']

  it('reads the configuration before the Secret, and begins, publishes, and rests', async () => {
    const again = look()
    expect([await again(), await again(), await again()]).toEqual([0, 0, lives.leafMs / 2])
    expect(calls).toEqual([
      ...[...reads, 'write secret', 'planned: begin'],
      ...[...reads, 'write bundle', 'planned: publish'],
      ...reads,
    ])
  })

  it('given what was right and is wrong now, tells a repair from what was planned', async () => {
    const again = look()
    for (let time = 0; time < 3; time++) await again()
    configuration = { metadata: { resourceVersion: '3' }, webhooks: [webhook('nonsense')] }
    await again()
    expect(calls.at(-1)).toBe('repair: publish')
  })

  it('given a write by somebody else, looks again a moment later', async () => {
    refusal = new StoreError('secrets', 'patch secrets', new ApiError(409, 'the object has been modified'))
    expect(await look()()).toBe(50)
    expect(calls).toEqual([...reads, 'write secret'])
  })

  it('given any other refusal, fails', async () => {
    refusal = new StoreError('secrets', 'patch secrets', new ApiError(422, 'invalid'))
    await expect(look()()).rejects.toBe(refusal)
  })

  it('given a leader that is none any more, writes nothing', async () => {
    expect(await look(() => 15_000)()).toBe(15_000)
    expect(calls).toEqual(reads)
  })
})
