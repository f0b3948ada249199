/** The picture of the cluster while the API server, or the way to it, fails in every way that is known of. */
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type WatchedCluster, watchCluster } from '../../../injector/cluster/watch-cluster.ts'
import { createInjectorMetrics, type InjectorMetrics } from '../../../injector/metrics.ts'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import { kubeconfigOf } from '../../support/status-cluster.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

/** As in a cluster, but ten times as fast. */
const times = { watchSeconds: 1, watchTimeoutMs: 3000, listTimeoutMs: 3000 }

describe('given a picture of the cluster', () => {
  let api: ApiServer
  let proxy: TcpProxy
  let cluster: WatchedCluster
  let metrics: InjectorMetrics
  let log: Record<string, unknown>[]
  let made = 0
  beforeEach(async () => {
    api = await startApiServer()
    proxy = await startTcpProxy(api.port)
    await api.namespaces.create({ metadata: { name: 'shop', labels: { state: '0' } } })
    await api.nodes.create({ metadata: { name: 'one' }, status: { nodeInfo: { kubeletVersion: 'v1.36.4' } } })
    const kubeConfig = new KubeConfig()
    kubeConfig.loadFromString(kubeconfigOf({ url: `https://127.0.0.1:${proxy.port}`, ca: api.ca }, api.adminToken))
    log = []
    metrics = createInjectorMetrics('test')
    const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) })
    cluster = watchCluster(kubeConfig, logger, metrics, undefined, times)
    await until(() => cluster.synced() && api.openWatches === 2)
  })
  afterEach(async () => {
    cluster.stop()
    await proxy.close()
    await api.close()
  })

  async function until(holds: () => boolean | Promise<boolean>, seconds = 15) {
    for (let tries = 0; tries < seconds * 50; tries++) {
      if (await holds()) return
      await sleep(20)
    }
    throw new Error(`waited ${seconds} s in vain; the log: ${JSON.stringify(log.slice(-3))}`)
  }
  const state = (name = 'shop') => cluster.view.namespace(name).labels?.['state']
  const label = (name: string, value: string) =>
    api.namespaces.patch('', name, { metadata: { labels: { state: value } } })
  const value = async (name: string) =>
    Number(new RegExp(`^${name}\\{resource="namespaces"\\} (\\S+)$`, 'm').exec(await metrics.render())?.[1])
  const age = () => value('vxtap_injector_cache_age_seconds')
  const current = async () => (await value('vxtap_injector_cache_synced')) === 1
  /** A namespace that is labelled from now on is seen, and one that was made. */
  const expectSeen = async () => {
    const name = `later-${++made}`
    await label('shop', name)
    await api.namespaces.create({ metadata: { name, labels: { state: name } } })
    await until(() => state() === name && state(name) === name)
    await until(current)
    expect(await age()).toBeLessThan(5)
  }

  it.each<[string, () => Promise<void>]>([
    [
      'the API server accepts everything and answers nothing',
      async () => {
        api.pause()
        await until(async () => !(await current()))
        await label('shop', 'meanwhile')
        api.resume()
      },
    ],
    [
      'the way to it is gone, and no connection is closed',
      async () => {
        proxy.hold()
        await until(async () => !(await current()))
        expect(await age()).toBeGreaterThan(1)
        await label('shop', 'meanwhile')
        proxy.heal()
      },
    ],
    [
      'something else answers in its place, without TLS',
      async () => {
        proxy.garble()
        await until(async () => !(await current()))
        await label('shop', 'meanwhile')
        proxy.heal()
      },
    ],
    [
      'every connection is reset',
      async () => {
        proxy.reset()
        await until(async () => !(await current()))
        await label('shop', 'meanwhile')
        proxy.heal()
      },
    ],
    [
      'it is gone, and back on the same port',
      async () => {
        await api.stop()
        await until(async () => !(await current()))
        await api.start()
      },
    ],
    [
      'its history is forgotten, which it says in the stream',
      async () => {
        await label('shop', 'meanwhile')
        api.compact('event')
        api.cutWatches('reset')
      },
    ],
    [
      'its history is forgotten, which it says with the status 410',
      async () => {
        await label('shop', 'meanwhile')
        api.compact('status')
        api.cutWatches('reset')
      },
    ],
    [
      'it sheds load with 429',
      async () => {
        api.failNext(429, 4)
        api.cutWatches('reset')
        await until(async () => !(await current()))
      },
    ],
    [
      'it fails with 500, lists and watches',
      async () => {
        api.failNext(500, 4)
        api.cutWatches('end')
        await until(async () => !(await current()))
      },
    ],
    [
      'it refuses who we are with 401 for a while',
      async () => {
        api.failNext(401, 4)
        api.cutWatches('end')
        await until(async () => !(await current()))
      },
    ],
    [
      'a proxy puts half a line, and what is no JSON, into the stream',
      async () => {
        api.sendRaw('{"type":"ADDED","object":{"metadata":{')
        api.sendRaw('<html>504 Gateway Timeout</html>')
      },
    ],
    [
      'it sends what no version of it sends',
      async () => {
        for (const line of ['null', '[]', '{}', '{"type":7}', '{"type":"ERROR"}', '{"type":"ADDED","object":null}']) {
          api.sendRaw(line)
        }
      },
    ],
  ])('when %s, then what was known stays known, and what changes afterwards is seen', async (_what, fail) => {
    await fail()
    expect(state()).toMatch(/^(0|meanwhile)$/)
    expect(cluster.view.facts().nativeSidecars).toBe(true)
    expect(cluster.synced()).toBe(true)
    await expectSeen()
  })

  it('when every watch ends within the second, then nothing is lost, listed anew, or asked for in a busy loop', async () => {
    const before = api.count({ verb: 'list', resource: 'namespaces' })
    const watches = api.count({ verb: 'watch', resource: 'namespaces' })
    const started = performance.now()
    for (let round = 1; round <= 12; round++) {
      api.cutWatches('end')
      await label('shop', String(round))
      await sleep(300)
    }
    await until(() => state() === '12')
    expect(api.count({ verb: 'list', resource: 'namespaces' })).toBe(before)
    expect(api.count({ verb: 'watch', resource: 'namespaces' }) - watches).toBeLessThan(
      Math.max(12, 3 * ((performance.now() - started) / 1000)),
    )
  })

  it('when a bookmark has come since the history was forgotten, then nothing is listed anew', async () => {
    const before = api.count({ verb: 'list', resource: 'namespaces' })
    api.compact()
    api.sendBookmarks()
    await sleep(100)
    api.cutWatches('end')
    await expectSeen()
    expect(api.count({ verb: 'list', resource: 'namespaces' })).toBe(before)
  })

  it('when the clock jumps a day, either way, then it is all the same to it', async () => {
    const real = Date.now
    const before = api.count({ verb: 'list', resource: 'namespaces' })
    try {
      for (const jump of [86_400_000, -86_400_000]) {
        Date.now = () => real() + jump
        await expectSeen()
        await sleep(1200)
      }
    } finally {
      Date.now = real
    }
    expect(api.count({ verb: 'list', resource: 'namespaces' })).toBe(before)
    expect(await age()).toBeLessThan(5)
  })

  it('when nothing can be had for long, then it asks ever more rarely', async () => {
    proxy.reset()
    await sleep(6000)
    const tries = log.filter(({ resource }) => resource === 'namespaces').length
    expect(tries).toBeGreaterThanOrEqual(2)
    expect(tries).toBeLessThan(7)
    expect(await age()).toBeGreaterThan(5)
    proxy.heal()
    await expectSeen()
  })

  it('when nothing is ever answered, then what it has given up is not left open', async () => {
    proxy.hold()
    await until(() => log.filter(({ resource }) => resource === 'nodes').length >= 3, 25)
    // A list of each resource is under way, or its pause; the relay has two sockets for each that it passed on before.
    expect(proxy.open).toBeLessThanOrEqual(6)
    proxy.heal()
    await expectSeen()
  }, 60_000)
})
