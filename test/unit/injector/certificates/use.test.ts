import { pino } from 'pino'
import { expect, it, vi } from 'vitest'
import { nextState } from '../../../../injector/certificates/carry-out.ts'
import { keepSelfManaged } from '../../../../injector/certificates/self-managed.ts'
import { desiredBundle, writeState } from '../../../../injector/certificates/state.ts'
import type { CertificateStore } from '../../../../injector/certificates/store.ts'
import type { ListWatchSource } from '../../../../injector/cluster/list-watch.ts'
import type { Json } from '../../../../injector/json.ts'
import { createInjectorMetrics } from '../../../../injector/metrics.ts'
import { lives, names } from './world.ts'

const unchanging = (object: Json): ListWatchSource<Json> => ({
  list: async () => ({ items: [object], resourceVersion: '1' }),
  watch: (_from, _onEvent, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
})
const unwanted = async (): Promise<never> => {
  throw new Error('nobody is to write')
}

it('given a certificate that TLS refuses, then it is not the one that is served, is told once, and is tried again', async () => {
  const state = await nextState({ kind: 'begin', former: undefined }, undefined, Date.now(), lives, names)
  const caBundle = Buffer.from(desiredBundle(state)).toString('base64')
  const secret = { data: writeState(state) }
  const configuration = { webhooks: [{ clientConfig: { caBundle } }] }
  const store: CertificateStore = {
    readSecret: async () => secret,
    writeSecret: unwanted,
    readConfiguration: async () => configuration,
    writeBundle: unwanted,
    lease: { read: async () => ({ holder: 'another', durationMs: 15_000, renewTime: '1' }), write: unwanted },
    secretChanges: unchanging(secret),
    configurationChanges: unchanging(configuration),
    close: () => undefined,
  }
  const log: string[] = []
  let refused = true
  const use = vi.fn(() => {
    if (refused) throw new Error('ee key too small')
  })
  const metrics = createInjectorMetrics('9.9.9')
  const logger = pino({}, { write: (line: string) => void log.push(line) })
  const keeper = keepSelfManaged(
    { store, names: { namespace: 'vxtap', webhook: 'vxtap' }, lives, log: logger, metrics },
    use,
  )
  try {
    await expect.poll(() => use.mock.calls.length, { timeout: 5000 }).toBeGreaterThan(2)
    expect(keeper.problem()).toContain('there is no certificate')
    expect(log.filter((line) => line.includes('ee key too small'))).toHaveLength(1)
    refused = false
    await expect.poll(() => keeper.problem(), { timeout: 5000 }).toBeUndefined()
  } finally {
    keeper.stop()
  }
})
