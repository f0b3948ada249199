/** The API server comes back without what it knew: its rules for a moment, the history for good. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  fast,
  followsReplacement,
  pause,
  replaceSensor,
  type Scene,
  type SceneOptions,
  startWatching,
  until,
} from './scene.ts'

describe('when the Kubernetes API starts anew', () => {
  let scene: Scene
  const begin = async (options?: SceneOptions): Promise<void> => {
    scene = await startWatching(options)
  }
  afterEach(() => scene.close())

  const replace = (): Promise<void> => replaceSensor(scene)
  const followed = (): boolean => followsReplacement(scene)

  it('given an API server that starts and does not know its rules yet, then neither alarms nor lists', async () => {
    await begin()
    // As long as a watch must last to have worked.
    await pause(fast.shortWatchMs + 20)
    scene.api.failNext(403, 1)
    scene.api.cutWatches('reset')
    await until(() => scene.counters.get('watch', 'forbidden') === 1 && scene.api.openWatches === 1)
    await replace()
    await until(followed)
    expect(scene.api.count({ verb: 'list' })).toBe(1)
    expect(scene.said.join()).not.toContain('not allowed')
  })

  it.each(['event', 'status'] as const)(
    'given 410 Gone as %s, then lists anew, soon and without an alarm',
    async (goneAs) => {
      await begin({ discovery: { timing: { ...fast, backOffBaseMs: 5 } } })
      await scene.api.stop()
      await replace()
      scene.api.compact(goneAs)
      await scene.api.start()
      await until(followed)
      await until(() => scene.api.openWatches === 1)
      expect(scene.counters.get('watch', 'gone')).toBe(1)
      expect(scene.api.count({ verb: 'list' })).toBe(2)
      // From the old sensor to the new one in one step: the list tells both at once.
      expect(scene.handed).toEqual([['10.0.0.1'], ['10.0.0.2']])
      expect(scene.discovery.state.kind).toBe('found')
    },
  )

  it.each(['event', 'status'] as const)(
    'given nothing but 410 Gone as %s, then says nothing at all',
    async (goneAs) => {
      await begin()
      scene.api.compact(goneAs)
      scene.api.cutWatches('reset')
      await until(() => scene.counters.get('watch', 'gone') === 1 && scene.api.openWatches === 1)
      await replace()
      await until(followed)
      expect(scene.said.every((line) => line.startsWith('info sending to') || line.includes('looking on'))).toBe(true)
    },
  )

  it('given 410 Gone as event, then lists and watches over the same connection', async () => {
    await begin()
    const used: Socket[] = []
    const note = (message: unknown): void => {
      const { request } = message as { request: ClientRequest }
      request.once('socket', (socket) => used.push(socket))
    }
    subscribe('http.client.request.created', note)
    scene.api.compact('event')
    scene.api.cutWatches('reset')
    await until(() => used.length === 3 && scene.api.openWatches === 1)
    unsubscribe('http.client.request.created', note)
    expect(scene.counters.get('watch', 'gone')).toBe(1)
    expect(new Set(used).size).toBe(1)
  })

  it('given an error in a watch that then does not end, then cuts it and lists anew', async () => {
    await begin()
    scene.api.sendRaw('{"type":"ERROR","object":{"code":410,"message":"too old resource version"}}')
    await until(() => scene.api.count({ verb: 'list' }) === 2 && scene.api.openWatches === 1)
    expect(scene.counters.get('watch', 'gone')).toBe(1)
  })
})
