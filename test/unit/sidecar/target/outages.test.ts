/** The API server fails in every way it can: the last known targets stay, and what changed meanwhile is caught up with. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../../../../lab/certificates.ts'
import { sensorPod } from './pods.ts'
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

describe('when the Kubernetes API fails', () => {
  let scene: Scene
  const begin = async (options?: SceneOptions): Promise<void> => {
    scene = await startWatching(options)
  }
  afterEach(() => scene.close())

  const replace = (): Promise<void> => replaceSensor(scene)
  const followed = (): boolean => followsReplacement(scene)

  it('given it is gone for a while, then goes on with the last known sensor, backs off, and catches up without a list', async () => {
    await begin()
    await scene.api.stop()
    await until(() => scene.discovery.state.kind === 'unreachable')
    expect(scene.discovery.state.sentence).toBe(
      `cannot reach the Kubernetes API at ${scene.api.url} (ECONNREFUSED); going on with the last known 1 sensor; trying on`,
    )
    expect(scene.handed).toEqual([['10.0.0.1']])
    await pause(600)
    // Limits of 5, 10, 20 .. 300 ms, each halved by the fixed random number: about nine attempts, not hundreds.
    const attempts = scene.counters.get('watch', 'unreachable')
    expect(attempts).toBeGreaterThanOrEqual(3)
    expect(attempts).toBeLessThanOrEqual(14)
    await replace()
    await scene.api.start()
    await until(followed)
    expect(scene.discovery.state.kind).toBe('found')
    expect(scene.handed.at(0)).toEqual(['10.0.0.1'])
    expect(scene.api.count({ verb: 'list' })).toBe(1)
    expect(scene.said.filter((line) => line.includes('cannot reach'))).toHaveLength(1)
  })

  it('given it is not there at the start, then says so and finds the sensor once it is', async () => {
    await begin({ before: async (api) => api.stop() })
    await until(() => scene.counters.get('list', 'unreachable') >= 3)
    expect(scene.discovery.state.sentence).toContain('no sensor is known yet; trying on')
    await scene.sensor({ name: 'zeek-1' })
    await scene.api.start()
    await until(() => scene.discovery.state.kind === 'found')
    expect(scene.handed).toEqual([['10.0.0.1']])
    expect(scene.said).toHaveLength(2)
  })

  it('given it is slow, then waits for it', async () => {
    await begin({
      before: async (api) => {
        api.delay(400)
        await api.pods.create(sensorPod({ name: 'zeek-1' }))
      },
    })
    await until(() => scene.api.count({ verb: 'list' }) === 1)
    expect(scene.discovery.state.kind).toBe('starting')
    await until(() => scene.targets().length === 1)
    expect(scene.said.join()).not.toContain('cannot reach')
    expect(scene.api.count({ verb: 'list' })).toBe(1)
  })

  it('given it accepts and never answers, then gives up on each request, and is there when it answers again', async () => {
    await begin({
      discovery: { timing: { ...fast, requestTimeoutMs: 120 } },
      before: async (api) => {
        api.pause()
        await api.pods.create(sensorPod({ name: 'zeek-1' }))
      },
    })
    await until(() => scene.counters.get('list', 'unreachable') >= 2)
    expect(scene.discovery.state.sentence).toContain('(no answer within 120 ms)')
    scene.api.resume()
    await until(() => scene.targets().length === 1)
  })

  it('given a watch falls silent past its time, then cuts it and catches up', async () => {
    await begin({ discovery: { timing: { ...fast, watchSeconds: 1, watchMarginMs: 100, requestTimeoutMs: 200 } } })
    scene.api.pause()
    await replace()
    await until(() => scene.counters.get('watch', 'unreachable') >= 1)
    scene.api.resume()
    await until(followed)
  })

  it('given the connection of the watch is cut, then goes on from where it was', async () => {
    await begin()
    scene.api.cutWatches('reset')
    await replace()
    await until(followed)
    expect(scene.api.count({ verb: 'list' })).toBe(1)
    expect(scene.api.count({ verb: 'watch' })).toBe(2)
    expect(scene.said.join()).not.toContain('cannot reach')
  })

  it('given a quiet watch ends in order, then goes on at once: that is no failure', async () => {
    await begin({ discovery: { timing: { ...fast, watchSeconds: 1, backOffBaseMs: 60_000, backOffCapMs: 60_000 } } })
    await until(() => scene.api.count({ verb: 'watch' }) === 3)
    expect(scene.counters.get('watch', 'ok')).toBe(2)
    await replace()
    await until(followed)
    expect(scene.api.count({ verb: 'list' })).toBe(1)
  })

  it('given watches that end as soon as they are open, then backs off instead of spinning', async () => {
    await begin()
    const cutting = setInterval(() => scene.api.cutWatches('end'), 1)
    await pause(500)
    clearInterval(cutting)
    expect(scene.api.count({ verb: 'watch' })).toBeLessThan(20)
    await replace()
    await until(followed)
  })

  it('given bookmarks, then resumes from the last one after a compaction', async () => {
    await begin()
    scene.api.compact()
    const bookmark = String(scene.api.resourceVersion)
    scene.api.sendBookmarks()
    // What comes behind the bookmark shows that it has arrived; without a resourceVersion of its own it moves nothing.
    scene.api.sendRaw(`{"type":"DELETED","object":{"metadata":{"uid":"${scene.targets()[0]?.key}"}}}`)
    await until(() => scene.targets().length === 0)
    scene.api.cutWatches('reset')
    await until(() => scene.api.openWatches === 1 && scene.api.count({ verb: 'watch' }) === 2)
    expect(new URL(scene.api.requests.at(-1)!.target, 'https://api').searchParams.get('resourceVersion')).toBe(bookmark)
    expect(scene.api.count({ verb: 'list' })).toBe(1)
  })

  it('given a page above the bound, then does not keep it', async () => {
    await begin({
      discovery: { timing: { ...fast, maxPageBytes: 1000 } },
      before: async (api) => {
        for (const name of ['zeek-1', 'zeek-2', 'zeek-3']) await api.pods.create(sensorPod({ name }))
      },
    })
    await until(() => scene.counters.get('list', 'garbled') >= 2)
    expect(scene.discovery.state.sentence).toContain('answered with more than 1000 bytes')
  })

  it('given the history is compacted between two pages, then starts over', async () => {
    await begin({
      discovery: { timing: { ...fast, pageItems: 10 } },
      before: async (api) => {
        for (let index = 0; index < 30; index++) {
          await api.pods.create(sensorPod({ name: `zeek-${index}`, addresses: [`10.1.0.${index}`] }))
        }
        api.failNext(410, 1, 'list')
      },
    })
    await until(() => scene.targets().length === 30)
    expect(scene.counters.get('list', 'gone')).toBe(1)
  })

  it('given 500 a few times, then backs off and lists again', async () => {
    await begin({
      before: async (api) => {
        await api.pods.create(sensorPod({ name: 'zeek-1' }))
        api.failNext(500, 4)
      },
    })
    await until(() => scene.discovery.state.kind === 'found')
    expect(scene.counters.get('list', 'refused')).toBe(4)
    expect(scene.said[0]).toContain('answered 500')
    expect(scene.said).toHaveLength(2)
  })

  it('given 429 with Retry-After, then leaves the server alone for that long', async () => {
    await begin({
      discovery: { timing: { ...fast, backOffCapMs: 2000 } },
      before: async (api) => {
        await api.pods.create(sensorPod({ name: 'zeek-1' }))
        api.failNext(429, 1)
      },
    })
    await until(() => scene.targets().length === 1)
    const [refused, answered] = scene.api.requests
    expect(refused?.status).toBe(429)
    expect(answered!.at - refused!.at).toBeGreaterThanOrEqual(990)
  })

  it('given the list works and the watch does not, then still backs off, and follows what the lists say', async () => {
    await begin()
    scene.api.failNext(503, 1000, 'watch')
    scene.api.cutWatches('reset')
    await pause(500)
    expect(scene.api.count({ verb: 'watch' })).toBeLessThan(16)
    await replace()
    await until(followed)
    expect(scene.discovery.state.kind).toBe('unreachable')
    expect(scene.said.filter((line) => line.startsWith('warn'))).toHaveLength(1)
  })

  it.each(['<html>bad gateway</html>', '{"type":"SURPRISE","object":{}}', '[]', 'null'])(
    'given the line %s in the watch, then trusts nothing of it and lists anew',
    async (line) => {
      await begin()
      scene.api.sendRaw(line)
      await until(() => scene.api.count({ verb: 'list' }) === 2)
      await replace()
      await until(followed)
      expect(scene.counters.get('watch', 'garbled')).toBe(1)
    },
  )

  it('given a line without end, then does not keep it', async () => {
    await begin({ discovery: { timing: { ...fast, maxLineBytes: 100_000 } } })
    scene.api.sendRaw('x'.repeat(200_000))
    await until(() => scene.counters.get('watch', 'garbled') === 1)
    await replace()
    await until(followed)
  })

  it('given an event about something that is not a pod, then passes over it', async () => {
    await begin()
    scene.api.sendRaw('{"type":"MODIFIED","object":{"kind":"Pod"}}')
    await replace()
    await until(followed)
    expect(scene.api.count({ verb: 'list' })).toBe(1)
  })

  it('given an authority that did not sign the certificate, then says which file, and reads it again', async () => {
    await begin({
      before: async (api) => {
        await api.pods.create(sensorPod({ name: 'zeek-1' }))
        api.pause()
      },
    })
    await writeFile(join(scene.directory, 'ca.crt'), createAuthority('another').certificate)
    await scene.api.stop()
    scene.api.resume()
    await scene.api.start()
    await until(() => scene.discovery.state.sentence.includes('does not verify'))
    expect(scene.discovery.state.sentence).toContain(`does not verify against ${scene.directory}/ca.crt`)
    expect(scene.handed).toEqual([])
    await writeFile(join(scene.directory, 'ca.crt'), scene.api.ca)
    await until(() => scene.targets().length === 1)
  })
})
