import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { injectKey } from '../../../contract/annotations.ts'
import { mostNamespaceWatches, scopesOf } from '../../../injector/blind-spots/scopes.ts'
import { isOlder } from '../../../injector/blind-spots/version.ts'
import { type WatchedCluster, watchCluster } from '../../../injector/cluster/watch-cluster.ts'
import { createInjectorMetrics, type InjectorMetrics } from '../../../injector/metrics.ts'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import { asks, kubeconfigOf, plainPod, tappedPod } from '../../support/status-cluster.ts'
import { config } from './fixtures.ts'

interface Injector {
  readonly cluster: WatchedCluster
  readonly metrics: InjectorMetrics
  readonly log: Record<string, unknown>[]
}

const serviceAccount = 'vxtap/injector'
let api: ApiServer
let injectors: Injector[] = []
beforeEach(async () => {
  api = await startApiServer()
  await api.namespaces.create({ metadata: { name: 'shop', labels: asks } })
  await api.namespaces.create({ metadata: { name: 'quiet' } })
  await api.nodes.create({ metadata: { name: 'one' }, status: { nodeInfo: { kubeletVersion: 'v1.36.4' } } })
  // What the chart grants.
  for (const resource of ['namespaces', 'nodes', 'pods']) {
    api.grant({ serviceAccount, namespace: '*', verbs: ['get', 'list', 'watch'], resource })
  }
  api.grant({ serviceAccount, namespace: '*', verbs: ['create'], resource: 'events' })
})
afterEach(async () => {
  for (const { cluster } of injectors) cluster.stop()
  injectors = []
  await api.close()
})

function start(): Injector {
  const log: Record<string, unknown>[] = []
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) })
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromString(kubeconfigOf(api, api.issueToken(serviceAccount)))
  const metrics = createInjectorMetrics('9.9.9')
  const injector = { cluster: watchCluster(kubeConfig, logger, metrics, () => config), metrics, log }
  injectors.push(injector)
  return injector
}

async function untapped({ metrics }: Injector): Promise<Record<string, number>> {
  const lines = (await metrics.render()).matchAll(/^vxtap_injector_untapped_pods\{reason="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, reason, count]) => [reason, Number(count)]).filter(([, count]) => count))
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await holds()) return
    await sleep(20)
  }
  throw new Error(`waited 10 s in vain: ${what}`)
}

const counts = (injector: Injector, wanted: Record<string, number>): Promise<void> =>
  until(JSON.stringify(wanted), async () => JSON.stringify(await untapped(injector)) === JSON.stringify(wanted))

const ownedBy = (name: string, kind: string, uid: string, more: object = {}) =>
  plainPod(name, {
    metadata: {
      name,
      namespace: 'shop',
      ownerReferences: [{ apiVersion: 'apps/v1', kind, name: kind.toLowerCase(), uid, controller: true }],
      ...more,
    },
  })

describe('given pods that started while no injector ran', () => {
  beforeEach(async () => {
    await api.pods.create(plainPod('web-1'))
    await api.pods.create(plainPod('web-2'))
    await api.pods.create(ownedBy('db-0', 'StatefulSet', 'sts-1'))
    await api.pods.create(
      plainPod('bare', { metadata: { name: 'bare', namespace: 'quiet', labels: asks, ownerReferences: [] } }),
    )
    await api.pods.create(
      plainPod('agent', { metadata: { name: 'agent', namespace: 'shop' }, spec: { hostNetwork: true } }),
    )
    await api.pods.create(tappedPod('web-3'))
    await api.pods.create(plainPod('quiet', { metadata: { name: 'quiet', namespace: 'quiet' } }))
    await api.pods.create(
      plainPod('out', { metadata: { name: 'out', namespace: 'shop', labels: { [injectKey]: 'false' } } }),
    )
    await api.pods.create(plainPod('done'))
    api.pods.setStatus('shop', 'done', { phase: 'Succeeded' })
  })

  it('when two injectors start, then each counts them by reason, and each owner has one event', async () => {
    const [first, second] = [start(), start()]
    await counts(first, { started_without_injector: 4, host_network: 1 })
    await counts(second, { started_without_injector: 4, host_network: 1 })
    await until('events', () => api.events.list().length === 3)
    await sleep(200)
    const events = api.events.list().map((event) => {
      const { kind, name } = event['involvedObject'] as { kind: string; name: string }
      return `${event.metadata.namespace} ${kind}/${name} ${event['reason']}`
    })
    expect(events.sort()).toEqual([
      'quiet Pod/bare StartedWithoutInjector',
      'shop ReplicaSet/web-5d4 StartedWithoutInjector',
      'shop StatefulSet/statefulset StartedWithoutInjector',
    ])
    expect(api.events.list('shop').map(({ message }) => message)).toContain(
      'vxtap: the pod asks for a tap and runs without one: no injector answered when it was created, or the tap was asked for afterwards (started_without_injector); create it anew: kubectl -n shop rollout restart deployment/web',
    )
    const told = first.log.filter(({ reason }) => reason === 'started_without_injector')
    expect(told.map(({ namespace, owner }) => `${namespace} ${owner}`).sort()).toEqual([
      'quiet Pod/bare',
      'shop ReplicaSet/web-5d4',
      'shop StatefulSet/statefulset',
    ])
    expect(told[0]).toMatchObject({ docs: 'docs/injection-reasons.md#started-without-injector' })
  })

  it('when they are replaced by tapped ones, then they vanish', async () => {
    const injector = start()
    await counts(injector, { started_without_injector: 4, host_network: 1 })
    api.pods.delete('shop', 'web-1')
    api.pods.delete('shop', 'web-2')
    await api.pods.create(tappedPod('web-4'))
    await counts(injector, { started_without_injector: 2, host_network: 1 })
    api.pods.bind('quiet', 'bare', 'one')
    api.pods.terminate('quiet', 'bare', 30)
    await counts(injector, { started_without_injector: 1, host_network: 1 })
    api.pods.setStatus('shop', 'db-0', { phase: 'Failed' })
    await counts(injector, { host_network: 1 })
  })

  it('when a namespace asks for a tap, or does so no more, then its pods come and go', async () => {
    const injector = start()
    await counts(injector, { started_without_injector: 4, host_network: 1 })
    api.namespaces.patch('', 'quiet', { metadata: { labels: asks } })
    await counts(injector, { started_without_injector: 5, host_network: 1 })
    api.namespaces.patch('', 'shop', { metadata: { labels: { [injectKey]: 'false' } } })
    await counts(injector, { started_without_injector: 2 })
  })

  it('when a pod’s label changes, then it is counted once', async () => {
    const injector = start()
    await counts(injector, { started_without_injector: 4, host_network: 1 })
    api.pods.patch('shop', 'web-1', { metadata: { labels: asks } })
    api.pods.patch('shop', 'out', { metadata: { labels: asks } })
    await counts(injector, { started_without_injector: 5, host_network: 1 })
  })

  it('when the API server goes away and comes back, then the count is right again', async () => {
    const injector = start()
    await counts(injector, { started_without_injector: 4, host_network: 1 })
    await api.stop()
    api.pods.delete('shop', 'web-1')
    await api.start()
    await counts(injector, { started_without_injector: 3, host_network: 1 })
  })

  it('asks for metadata in pages, and reads as a whole only pods without a tap', async () => {
    const injector = start()
    await counts(injector, { started_without_injector: 4, host_network: 1 })
    const asked = api.requests.filter(({ resource }) => resource === 'pods')
    const read = asked.filter(({ verb }) => verb === 'get').map(({ target }) => target.split('/').at(-1))
    expect(new Set(read)).toEqual(new Set(['web-1', 'web-2', 'db-0', 'bare', 'agent', 'done']))
    expect(asked.filter(({ verb }) => verb === 'list').every(({ target }) => target.includes('limit=500'))).toBe(true)
  })
})

describe('given an injector without the right to see pods', () => {
  it('then it says which, its metric tells, and it decides all the same', async () => {
    const other = 'vxtap/blind'
    for (const resource of ['namespaces', 'nodes']) {
      api.grant({ serviceAccount: other, namespace: '*', verbs: ['list', 'watch'], resource })
    }
    const log: Record<string, unknown>[] = []
    const kubeConfig = new KubeConfig()
    kubeConfig.loadFromString(kubeconfigOf(api, api.issueToken(other)))
    const metrics = createInjectorMetrics('9.9.9')
    const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) })
    const cluster = watchCluster(kubeConfig, logger, metrics, () => config)
    injectors.push({ cluster, metrics, log })
    await until('the sentence', () => log.some(({ msg }) => String(msg).includes('needs: get, list and watch pods')))
    expect(cluster.synced()).toBe(true)
    expect(await metrics.render()).toContain('vxtap_injector_cache_synced{resource="pods"} 0')
  })
})

describe('the scopes that are watched', () => {
  const namespace = (name: string, labels: Record<string, string> = asks) => ({ name, labels, annotations: {} })

  it('are the label anywhere, and the rest of each namespace that asks', () => {
    expect(scopesOf([namespace('shop'), namespace('quiet', {}), namespace('out', { [injectKey]: 'false' })])).toEqual([
      { key: 'labelled', path: '/api/v1/pods', labelSelector: 'vxtap.io/inject' },
      { key: 'namespace shop', path: '/api/v1/namespaces/shop/pods', labelSelector: '!vxtap.io/inject' },
    ])
  })

  it('are two, however many namespaces ask', () => {
    const many = Array.from({ length: mostNamespaceWatches + 1 }, (_, index) => namespace(`n${index}`))
    expect(scopesOf(many).map(({ key }) => key)).toEqual(['labelled', 'all'])
  })
})

describe('a version', () => {
  it.each([
    ['0.1.0', '0.2.0', true],
    ['0.9.9', '0.10.0', true],
    ['1.0.0', '0.10.0', false],
    ['0.2.0', '0.2.0', false],
    ['0.2.0-rc.1', '0.2.0', false],
    ['main', '0.2.0', false],
    ['0.1.0', '', false],
  ])('%s is older than %s: %s', (version, than, older) => {
    expect(isOlder(version, than)).toBe(older)
  })
})

describe('given a thousand pods in a namespace that asks', () => {
  it('when an injector starts, then it reads pages of metadata and, as a whole, the few without a tap', async () => {
    for (let index = 0; index < 1000; index++) {
      await api.pods.create(index < 50 ? plainPod(`web-${index}`) : tappedPod(`web-${index}`))
    }
    const injector = start()
    await until('the count', async () => (await untapped(injector))['started_without_injector'] === 50)
    const asked = api.requests.filter(({ resource }) => resource === 'pods')
    expect(asked.filter(({ verb }) => verb === 'get').length).toBe(50)
    expect(asked.filter(({ verb }) => verb === 'list').length).toBe(3)
    expect(api.events.list().length).toBe(1)
  }, 60_000)
})
