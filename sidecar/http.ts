/**
 * `/metrics`, `/healthz` and `/readyz` of the sidecar.
 *
 * On node:http and not on fastify: the sidecar's memory is paid in every tapped pod, and three fixed routes need no
 * framework. prom-client writes the exposition, by those of its parts that do: all of it brings a push client and
 * node:cluster, and 1.4 MB of V8's heap.
 */
import type { Server } from 'node:http'
import Counter from 'prom-client/lib/counter.js'
import Gauge from 'prom-client/lib/gauge.js'
import Registry from 'prom-client/lib/registry.js'
import { dropReasons } from '../contract/drop-reasons.ts'
import type { Metric } from '../contract/metric.ts'
import type { RefusalCode } from '../contract/mirror-refusals.ts'
import { sidecarMetrics } from '../contract/sidecar-metrics.ts'
import type { ListenAddress } from '../contract/sidecar-settings.ts'
import type { Counters } from './counters.ts'
import type { PathState } from './tunnel/transport.ts'

/** How the injector's startup probe asks, for an application that waits. */
const holdQuery = 'hold'

export interface Health {
  /** The sidecar does its work: it captures. */
  readonly healthy: boolean
  /** It captures, and the first look for a sensor has been answered. */
  readonly ready: boolean
  /** Ready, or never to be: an application that waits for the tap (annotation hold) waits no longer. */
  readonly released: boolean
  readonly sentence: string
}

export interface Observed {
  readonly counters: Counters
  readonly version: string
  readonly engineName: () => string
  readonly health: () => Health
  /** Why ENGINE=kernel does not mirror; undefined where it does, and with other engines. */
  readonly refusal: () => RefusalCode | undefined
  readonly targetCount: () => number
  readonly paths: () => readonly PathState[]
  readonly discoveryRequests: () => Iterable<readonly [request: string, result: string, count: number]>
  /** Brings what the kernel counts up to date. */
  readonly refresh: () => void
}

type Sample = readonly [labels: Record<string, string>, value: number]

/** Where each metric's value comes from, read when a scrape asks for it. */
function sources(observed: Observed): Record<keyof typeof sidecarMetrics, () => Iterable<Sample>> {
  const { counters } = observed
  const single = (value: () => number) => (): Sample[] => [[{}, value()]]
  return {
    buildInfo: () => [[{ version: observed.version, engine: observed.engineName(), node: process.version }, 1]],
    up: single(() => Number(observed.health().healthy)),
    mirrorRefused: () => {
      const reason = observed.refusal()
      return reason === undefined ? [] : [[{ reason }, 1]]
    },
    capturedFrames: single(() => counters.capturedFrames),
    capturedBytes: single(() => counters.capturedBytes),
    sentFrames: single(() => counters.sentFrames),
    sentBytes: single(() => counters.sentBytes),
    dropped: () =>
      (Object.keys(dropReasons) as (keyof typeof dropReasons)[]).map((reason) => [
        { reason },
        counters.dropped[reason],
      ]),
    sendErrors: () => [...counters.sendErrors].map(([errno, count]) => [{ errno }, count]),
    superFrames: single(() => counters.superFrames),
    segments: single(() => counters.segments),
    checksumsCompleted: single(() => counters.checksumsCompleted),
    vlanTagsRestored: single(() => counters.vlanTagsRestored),
    snappedFrames: single(() => counters.snappedFrames),
    ringFreezes: single(() => counters.ringFreezes),
    targets: single(observed.targetCount),
    targetChanges: single(() => counters.targetChanges),
    pathMtu: () => observed.paths().map(({ name, mtu }) => [{ sensor: name }, mtu]),
    targetBatch: () => observed.paths().map(({ name, batch }) => [{ sensor: name, batch }, 1]),
    refusedBatches: () => [...counters.refusedBatches].map(([errno, count]) => [{ errno }, count]),
    discoveryRequests: () =>
      [...observed.discoveryRequests()].map(([request, result, count]) => [{ request, result }, count]),
    residentMemory: single(() => process.memoryUsage.rss()),
    cpuSeconds: single(() => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    }),
    startTime: single(() => performance.timeOrigin / 1000),
  }
}

export function createRegistry(observed: Observed): Registry {
  const registry = new Registry()
  const read = sources(observed)
  for (const [key, metric] of Object.entries(sidecarMetrics) as [keyof typeof sidecarMetrics, Metric][]) {
    const settings = { name: metric.name, help: metric.help, labelNames: [...metric.labels], registers: [registry] }
    if (metric.type === 'counter') {
      new Counter({
        ...settings,
        collect() {
          this.reset()
          for (const [labels, value] of read[key]()) this.inc(labels, value)
        },
      })
    } else {
      new Gauge({
        ...settings,
        collect() {
          this.reset()
          for (const [labels, value] of read[key]()) this.set(labels, value)
        },
      })
    }
  }
  return registry
}

/**
 * An import would read every name that node:http exports, WebSocket among them, and so load undici and node:http2: 2.3 MB
 * of V8's heap and 40 ms.
 */
const { createServer } = process.getBuiltinModule('node:http')

/** Listens; resolves with the server, or with the error that says why not: metrics are no reason to stop mirroring. */
export function serve(address: ListenAddress, observed: Observed): Promise<Server | Error> {
  const registry = createRegistry(observed)
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type }).end(text)
    }
    const [path, query] = request.url?.split('?') ?? []
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'only GET is answered here\n')
    if (path === '/metrics') {
      observed.refresh()
      registry.metrics().then(
        (text) => answer(200, text, registry.contentType),
        (error: unknown) => answer(500, `${String(error)}\n`),
      )
      return
    }
    observed.refresh()
    const health = observed.health()
    if (path === '/healthz') return answer(health.healthy ? 200 : 503, `${health.sentence}\n`)
    const ready = query === holdQuery ? health.released : health.ready
    if (path === '/readyz') return answer(ready ? 200 : 503, `${health.sentence}\n`)
    return answer(404, 'here are /metrics, /healthz and /readyz\n')
  })
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  server.maxConnections = 64
  return new Promise((resolve) => {
    server.once('error', resolve)
    server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) }, () => {
      server.removeListener('error', resolve)
      // accept(2) that fails, for want of memory or descriptors, costs this one scrape and not the mirror.
      server.on('error', () => {})
      resolve(server)
    })
  })
}
