import { pino } from 'pino'
import { expect, it } from 'vitest'
import { watchBlindSpots } from '../../../injector/blind-spots/watch.ts'
import type { Rest } from '../../../injector/cluster/rest.ts'
import type { NamespaceFacts } from '../../../injector/plan.ts'
import { asks } from '../../support/status-cluster.ts'
import { config } from './fixtures.ts'

const asking = (name: string): NamespaceFacts => ({ name, labels: asks, annotations: {} })

it('given a namespace whose pods cannot be listed, when it is gone, then the pods that are wanted are current', async () => {
  const ended = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
  const rest: Pick<Rest, 'get' | 'lines'> = {
    async get(path) {
      if (path.includes('/broken/')) throw new Error('it does not answer')
      return { metadata: { resourceVersion: '1' }, items: [] }
    },
    lines: (_path, _take, asked) => ended(asked?.signal),
  }
  let synced: boolean | undefined
  const watch = watchBlindSpots({
    rest: rest as Rest,
    view: { namespace: () => undefined, facts: () => ({}) } as never,
    config: () => config,
    metrics: {
      cacheSynced: (_resource, value) => {
        synced = value
      },
      cacheRestarted: () => undefined,
      untappedPods: () => undefined,
    },
    log: pino({ enabled: false }),
    postEvent: () => Promise.resolve() as never,
    pause: (_ms, signal) => ended(signal),
  })
  try {
    watch.namespacesChanged([asking('shop')])
    await expect.poll(() => synced).toBe(true)
    watch.namespacesChanged([asking('shop'), asking('broken')], 'broken')
    expect(synced).toBe(false)
    await new Promise((resolve) => setImmediate(resolve))
    expect(synced).toBe(false)
    watch.namespacesChanged([asking('shop')], 'broken')
    expect(synced).toBe(true)
  } finally {
    watch.stop()
  }
})
