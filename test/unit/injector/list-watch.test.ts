import { describe, expect, it } from 'vitest'
import { hasNativeSidecars, nativeEverywhere } from '../../../injector/cluster/kubelet-version.ts'
import { type ListWatchSource, listAndWatch, type WatchEvent } from '../../../injector/cluster/list-watch.ts'

type Step =
  | { list: string[] }
  | { listFails: string }
  | { watch: WatchEvent<string>[]; ms?: number }
  | { watchFails: string }

const event = (
  type: 'ADDED' | 'DELETED' | 'BOOKMARK',
  object: string,
  resourceVersion: string,
): WatchEvent<string> => ({ type, object, resourceVersion })

/** Plays a script of answers, and writes down what the loop did. Ends with the script. */
async function play(steps: Step[]): Promise<string[]> {
  const story: string[] = []
  const stop = new AbortController()
  let clock = 0
  const next = <Kind extends Step>(is: (step: Step) => step is Kind): Kind => {
    const step = steps.shift()
    if (steps.length === 0) stop.abort()
    if (!step || !is(step)) throw new Error(`unexpected call, next was ${JSON.stringify(step)}`)
    return step
  }
  const source: ListWatchSource<string> = {
    async list() {
      const step = next((candidate) => 'list' in candidate || 'listFails' in candidate)
      if ('listFails' in step) throw new Error(step.listFails)
      return { items: 'list' in step ? step.list : [], resourceVersion: '10' }
    },
    async watch(resourceVersion, onEvent) {
      story.push(`watch from ${resourceVersion}`)
      const step = next((candidate) => 'watch' in candidate || 'watchFails' in candidate)
      if ('watchFails' in step) throw new Error(step.watchFails)
      clock += 'watch' in step ? (step.ms ?? 25_000) : 0
      for (const one of 'watch' in step ? step.watch : []) onEvent(one)
    },
  }
  await listAndWatch(
    source,
    {
      replace: (items) => void story.push(`replace ${items.join(' ')}`),
      upsert: (item) => void story.push(`upsert ${item}`),
      remove: (item) => void story.push(`remove ${item}`),
      failed: (error) => void story.push(`failed ${error.message}`),
    },
    async (ms) => void story.push(`pause ${ms}`),
    stop.signal,
    () => clock,
  )
  return story
}

describe('list and watch', () => {
  it('given a quiet watch that ends, goes on from where it was, without a pause or a new list', async () => {
    expect(await play([{ list: ['a'] }, { watch: [] }, { watch: [] }])).toEqual([
      'replace a',
      'watch from 10',
      'watch from 10',
    ])
  })

  it('given events and bookmarks, goes on from the last', async () => {
    const events = [event('ADDED', 'b', '11'), event('DELETED', 'a', '12'), event('BOOKMARK', '', '20')]
    expect(await play([{ list: ['a'] }, { watch: events }, { watch: [] }])).toEqual([
      'replace a',
      'watch from 10',
      'upsert b',
      'remove a',
      'watch from 20',
    ])
  })

  it('given 410 Gone, lists again at once', async () => {
    expect(
      await play([
        { list: ['a'] },
        { watch: [{ type: 'ERROR', code: 410, message: 'too old' }] },
        { list: ['b'] },
        { watch: [] },
      ]),
    ).toEqual(['replace a', 'watch from 10', 'replace b', 'watch from 10'])
  })

  it('given 410 Gone at once, waits before the next list, so that it is no busy loop', async () => {
    const gone: Step = { watch: [{ type: 'ERROR', code: 410, message: 'too old' }], ms: 5 }
    const story = await play([{ list: [] }, gone, { list: [] }, gone, { list: [] }, { watch: [] }])
    expect(story.filter((line) => line.startsWith('pause'))).toEqual(['pause 500', 'pause 1000'])
  })

  it('given a failing list, tries again for ever, each time later, and starts over once a watch lasted', async () => {
    const failures = Array.from({ length: 8 }, (): Step => ({ listFails: 'refused' }))
    const recovery: Step[] = [{ list: ['a'] }, { watch: [] }, { watchFails: 'reset' }, { list: ['b'] }, { watch: [] }]
    const story = await play([...failures, ...recovery])
    const pauses = story.filter((line) => line.startsWith('pause'))
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 500].map((ms) => `pause ${ms}`))
    expect(story.slice(-2)).toEqual(['replace b', 'watch from 10'])
  })

  it('given the right to list but not to watch, lists ever more rarely', async () => {
    const refused: Step[] = [{ list: [] }, { watchFails: 'forbidden' }]
    const story = await play([...refused, ...refused, ...refused, { list: [] }, { watch: [] }])
    expect(story.filter((line) => line.startsWith('pause'))).toEqual(['pause 500', 'pause 1000', 'pause 2000'])
  })

  it('given any other error event, starts anew', async () => {
    const story = await play([
      { list: [] },
      { watch: [{ type: 'ERROR', code: 500, message: 'etcd' }] },
      { list: ['a'] },
      { watch: [] },
    ])
    expect(story).toContain('failed the watch ended with 500: etcd')
    expect(story).toContain('replace a')
  })

  it('given a watch that ends at once, waits, so that it is no busy loop', async () => {
    expect(await play([{ list: [] }, { watch: [], ms: 5 }, { watch: [] }])).toEqual([
      'replace ',
      'watch from 10',
      'pause 1000',
      'watch from 10',
    ])
  })
})

describe('native sidecars', () => {
  it.each([
    ['v1.29.0', true],
    ['v1.36.4', true],
    ['v1.30.4-gke.1348000', true],
    ['v1.29.0+k3s1', true],
    ['v2.0.0', true],
    ['v1.28.15', false],
    ['v1.9.0', false],
    ['', false],
    ['unknown', false],
  ])('kubelet %s: %s', (version, native) => expect(hasNativeSidecars(version)).toBe(native))

  it('are used only where every node has them, and unknown without nodes', () => {
    expect(nativeEverywhere(['v1.36.4', 'v1.29.0'])).toBe(true)
    expect(nativeEverywhere(['v1.36.4', 'v1.28.15'])).toBe(false)
    expect(nativeEverywhere([])).toBe('unknown')
  })
})
