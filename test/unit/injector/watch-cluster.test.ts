import { getEventListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { namespaceSource } from '../../../injector/cluster/api.ts'
import { createRest } from '../../../injector/cluster/rest.ts'
import { type WatchedCluster, watchCluster } from '../../../injector/cluster/watch-cluster.ts'
import { createInjectorMetrics } from '../../../injector/metrics.ts'
import { makeCertificate } from '../../support/certificates.ts'

const certificate = makeCertificate()

/** As much of an API server as two lists and two watches need. */
class FakeApi {
  readonly namespaces = new Map<string, object>()
  readonly nodes = new Map<string, object>()
  failing = false
  #version = 100
  readonly #events: { version: number; resource: string; line: string }[] = []
  readonly #watches = new Set<{ resource: string; response: ServerResponse }>()
  readonly #server = createServer(certificate, (request, response) => this.#answer(request, response))

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  put(resource: 'namespaces' | 'nodes', name: string, labels: object, status: object = {}): void {
    const type = this[resource].has(name) ? 'MODIFIED' : 'ADDED'
    const object = { metadata: { name, labels, resourceVersion: String(++this.#version) }, status }
    this[resource].set(name, object)
    this.#send(resource, type, object)
  }

  remove(resource: 'namespaces' | 'nodes', name: string): void {
    const object = { ...this[resource].get(name), metadata: { name, resourceVersion: String(++this.#version) } }
    this[resource].delete(name)
    this.#send(resource, 'DELETED', object)
  }

  /** Cuts every watch off, as a restarting API server does. */
  cut(): void {
    for (const { response } of this.#watches) response.destroy()
    this.#watches.clear()
  }

  close(): void {
    this.cut()
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #send(resource: string, type: string, object: unknown): void {
    const line = `${JSON.stringify({ type, object })}\n`
    this.#events.push({ version: this.#version, resource, line })
    for (const watch of this.#watches) if (watch.resource === resource) watch.response.write(line)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://api')
    const resource = url.pathname.split('/').at(-1) as 'namespaces' | 'nodes'
    response.setHeader('content-type', 'application/json')
    if (this.failing) {
      response.statusCode = 500
      response.end('{}')
    } else if (url.searchParams.get('watch') === 'true') {
      response.flushHeaders()
      const from = Number(url.searchParams.get('resourceVersion'))
      for (const event of this.#events) {
        if (event.resource === resource && event.version > from) response.write(event.line)
      }
      this.#watches.add({ resource, response })
    } else {
      response.end(
        JSON.stringify({ metadata: { resourceVersion: String(this.#version) }, items: [...this[resource].values()] }),
      )
    }
  }
}

const nodeInfo = (kubeletVersion: string, operatingSystem = 'linux', bootID = '') => ({
  nodeInfo: { kubeletVersion, operatingSystem, bootID },
})

function connection(port: number): KubeConfig {
  const caData = Buffer.from(certificate.cert).toString('base64')
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'c', server: `https://127.0.0.1:${port}`, caData }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  })
  return kubeConfig
}

describe('a watch', () => {
  it('leaves nothing behind on the signal, which lives as long as the injector', async () => {
    const server = createServer(certificate, (_request, response) => response.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const source = namespaceSource(createRest(connection((server.address() as AddressInfo).port)))
    const { signal } = new AbortController()
    for (let watches = 0; watches < 3; watches++) await source.watch('1', () => undefined, signal)
    server.close()
    server.closeAllConnections()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('an API server that refuses', () => {
  it('is quoted, so that the operator reads which right is missing', async () => {
    const message = 'namespaces is forbidden: User "vxtap" cannot list resource "namespaces" at the cluster scope'
    const server = createServer(certificate, (_request, response) => {
      response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ kind: 'Status', message }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const source = namespaceSource(createRest(connection((server.address() as AddressInfo).port)))
    const { signal } = new AbortController()
    await expect(source.list(signal)).rejects.toThrow(message)
    await expect(source.watch('1', () => undefined, signal)).rejects.toThrow(message)
    server.close()
    server.closeAllConnections()
  })
})

describe('injectors without the right to look at the cluster', () => {
  it('say what they need, and know that they know nothing', async () => {
    const server = createServer(certificate, (_request, response) => {
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"message":"forbidden"}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const lines: string[] = []
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
    const port = (server.address() as AddressInfo).port
    const cluster = watchCluster(connection(port), log, createInjectorMetrics('test'))
    for (let tries = 0; tries < 500 && lines.length < 2; tries++) await sleep(20)
    cluster.stop()
    server.close()
    server.closeAllConnections()
    expect(lines.join('')).toContain('needs: get, list, watch namespaces; trying again')
    expect(lines.join('')).toContain('needs: get, list, watch nodes; trying again')
    expect(cluster.synced()).toBe(false)
    expect(cluster.view.namespace('shop').unlisted).toBe(true)
  })
})

describe('the picture of the cluster', () => {
  let api: FakeApi
  let cluster: WatchedCluster
  const metrics = createInjectorMetrics('test')
  beforeEach(async () => {
    api = new FakeApi()
    const port = await api.listen()
    api.put('namespaces', 'shop', { 'vxtap.io/inject': 'true' })
    api.put('nodes', 'one', {}, nodeInfo('v1.36.4'))
    cluster = watchCluster(connection(port), pino({ level: 'silent' }), metrics)
    await until(() => cluster.synced())
  })
  afterEach(() => {
    cluster.stop()
    api.close()
  })

  const until = async (holds: () => boolean) => {
    for (let tries = 0; tries < 500; tries++) {
      if (holds()) return
      await sleep(20)
    }
    throw new Error('waited 10 s in vain')
  }
  const label = (name: string) => cluster.view.namespace(name).labels?.['vxtap.io/inject']

  it('has the namespaces and the kubelets of the first list', () => {
    expect(label('shop')).toBe('true')
    expect(cluster.view.facts()).toEqual({ nativeSidecars: true, sharedKernel: false })
  })

  it('knows nothing of a namespace that is not there', () => {
    expect(cluster.view.namespace('elsewhere')).toEqual({
      name: 'elsewhere',
      labels: undefined,
      annotations: undefined,
    })
  })

  it('follows changes, additions and removals', async () => {
    api.put('namespaces', 'shop', { 'vxtap.io/inject': 'false' })
    await until(() => label('shop') === 'false')
    api.put('nodes', 'two', {}, nodeInfo('v1.28.15'))
    await until(() => cluster.view.facts().nativeSidecars === false)
    api.remove('nodes', 'two')
    await until(() => cluster.view.facts().nativeSidecars === true)
    api.remove('namespaces', 'shop')
    await until(() => label('shop') === undefined)
  })

  it('does not let a Windows node decide', async () => {
    api.put('nodes', 'windows', {}, nodeInfo('v1.25.0', 'windows'))
    api.put('namespaces', 'later', { 'vxtap.io/inject': 'true' })
    await until(() => label('later') === 'true')
    expect(cluster.view.facts()).toEqual({ nativeSidecars: true, sharedKernel: false })
  })

  it('tells from equal boot IDs that nodes are containers of one machine', async () => {
    api.put('nodes', 'one', {}, nodeInfo('v1.36.4', 'linux', 'b1'))
    api.put('nodes', 'two', {}, nodeInfo('v1.36.5', 'linux', 'b2'))
    api.put('nodes', 'three', {}, nodeInfo('v1.36.5', 'linux', 'b2'))
    await until(() => cluster.view.facts().sharedKernel === true)
    api.remove('nodes', 'three')
    await until(() => cluster.view.facts().sharedKernel === false)
  })

  it('given an API server that fails for a while, keeps what it knew and comes back by itself', async () => {
    api.failing = true
    api.cut()
    await until(() => cluster.view.namespace('elsewhere').unlisted === true)
    expect(label('shop')).toBe('true')
    expect(cluster.view.namespace('shop').unlisted).toBeUndefined()
    api.put('namespaces', 'shop', { 'vxtap.io/inject': 'changed meanwhile' })
    api.failing = false
    await until(() => label('shop') === 'changed meanwhile')
    expect(cluster.view.namespace('elsewhere').unlisted).toBeUndefined()
    expect(await metrics.render()).toMatch(/vxtap_injector_cache_restarts_total\{resource="namespaces"\} [1-9]/)
  })
})
