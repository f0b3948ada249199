/**
 * An embedded Kubernetes API server in test-double quality, over real HTTPS: enough for the sidecar's discovery, the
 * injector, a lab kubelet and the official client, with faults on demand. Nothing is stored; authentication is by
 * bearer token only.
 */
import type { RequestListener } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type Authority, createAuthority, type KeyPair } from '../certificates.ts'
import { Access, type Grant, type ServiceAccount } from './access.ts'
import { Admission, type AdmissionRecord, type WebhookConfiguration } from './admission.ts'
import { type Collection, collectionOf, type PodCollection, podsOf } from './collections.ts'
import { Faults } from './faults.ts'
import { handle, type RequestRecord } from './handler.ts'
import { Lister } from './list.ts'
import { type KubernetesObject, type Resource, resources } from './objects.ts'
import { Operations } from './operations.ts'
import type { PodProxy } from './pod-proxy.ts'
import type { Verb } from './route.ts'
import { type Change, Store } from './store.ts'
import { Watches, type WatchOptions } from './watch.ts'
import type { ServiceResolver } from './webhook-call.ts'

export interface ApiServerOptions {
  /** Where to listen. Default 127.0.0.1; `::` is dual-stack. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** More names and addresses for the server's certificate; loopback, `kubernetes.default.svc` and `host` are in it. */
  readonly names?: readonly string[]
  /** Default: one of its own. */
  readonly authority?: Authority
  /** Made at the start, besides `default` and `kube-system`. */
  readonly namespaces?: readonly string[]
  /** Default 60 000, as the real one. */
  readonly bookmarkIntervalMs?: number
  /** Where webhooks behind a service are reached; without it only webhooks with a url can be. */
  readonly resolveService?: ServiceResolver
  /** What answers behind `pods/NAME:PORT/proxy/PATH`; without it nothing listens there. */
  readonly podProxy?: PodProxy
  readonly now?: () => number
}

export interface RequestFilter {
  readonly verb?: Verb
  readonly resource?: string
  readonly namespace?: string
  readonly status?: number
}

export interface ApiServer {
  /** https://host:port, IPv6 in brackets */
  readonly url: string
  readonly host: string
  readonly port: number
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string
  readonly pods: PodCollection
  readonly namespaces: Collection
  readonly nodes: Collection
  readonly events: Collection
  readonly webhooks: Collection<WebhookConfiguration>
  /** Of any kind that is served, by its key in `resources`. */
  collection(resource: keyof typeof resources): Collection
  /** The same as `webhooks.apply`: as `kubectl apply` of a MutatingWebhookConfiguration. */
  registerWebhook(configuration: WebhookConfiguration): Promise<void>
  /** May do everything. */
  readonly adminToken: string
  issueToken(serviceAccount: ServiceAccount, expiresInSeconds?: number): string
  /** Expires what the account has and issues anew. */
  rotateToken(serviceAccount: ServiceAccount): string
  expireTokens(serviceAccount: ServiceAccount): void
  /** @returns takes it back */
  grant(grant: Grant): () => void
  /** Every change, in order, in the same turn as it is made. @returns unsubscribes */
  on(resource: keyof typeof resources, listener: (change: Change) => void): () => void

  /** Accepts connections and requests and answers none of them; watches fall silent. */
  pause(): void
  resume(): void
  /** Breaks every connection and refuses new ones. */
  stop(): Promise<void>
  /** Listens again on the same port, with everything that was there. */
  start(): Promise<void>
  /** Before each answer. */
  delay(ms: number): void
  failNext(status: number, times?: number, verb?: Verb): void
  cutWatches(how?: 'reset' | 'end'): void
  sendBookmarks(): void
  /** Puts a line of your own into every open watch. */
  sendRaw(line: string): void
  /** Forgets the history: watches and pages from before get 410, in the stream or (`status`) as the HTTP status. */
  compact(goneAs?: WatchOptions['goneAs']): void

  readonly requests: readonly RequestRecord[]
  count(filter?: RequestFilter): number
  readonly openWatches: number
  readonly admissions: readonly AdmissionRecord[]
  readonly resourceVersion: number
  /** Stops for good. */
  close(): Promise<void>
}

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const now = options.now ?? Date.now
  const host = options.host ?? '127.0.0.1'
  const authority = options.authority ?? createAuthority('lab-kubernetes-ca')
  const store = new Store(now)
  const access = new Access(now)
  const faults = new Faults()
  const lister = new Lister(store)
  const watches = new Watches(store, faults)
  const admission = new Admission(store, options.resolveService ?? (() => undefined))
  const operations = new Operations(store, admission, now)
  const requests: RequestRecord[] = []
  let goneAs: WatchOptions['goneAs'] = 'event'
  const watchOptions = (): WatchOptions => ({ goneAs, bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000 })
  const podProxy: PodProxy = options.podProxy ?? (async () => undefined)
  const parts = { store, access, faults, lister, watches, operations, requests, watchOptions, podProxy, now }

  const names = [
    ...new Set(['localhost', 'kubernetes.default.svc', '127.0.0.1', '::1', host, ...(options.names ?? [])]),
  ]
  const leaf = authority.issue({ commonName: 'kube-apiserver', names })
  const listener = listenerFor(leaf, host, (request, response) => void handle(parts, request, response))
  const port = await listener.start(options.port ?? 0)

  const collection = <T extends KubernetesObject = KubernetesObject>(resource: Resource): Collection<T> =>
    collectionOf<T>(store, operations, resource)
  const namespaces = collection(resources.namespaces)
  for (const name of ['default', 'kube-system', ...(options.namespaces ?? [])])
    await namespaces.create({ metadata: { name } })
  const webhooks = collection<WebhookConfiguration>(resources.webhooks)

  const api: ApiServer = {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    host,
    port,
    ca: authority.certificate,
    pods: podsOf(store, operations),
    namespaces,
    nodes: collection(resources.nodes),
    events: collection(resources.events),
    webhooks,
    collection: (resource) => collection(resources[resource]),
    registerWebhook: async (configuration) => void (await webhooks.apply(configuration)),
    adminToken: access.adminToken,
    issueToken: (serviceAccount, seconds) => access.issueToken(serviceAccount, seconds),
    rotateToken: (serviceAccount) => {
      access.expireTokens(serviceAccount)
      return access.issueToken(serviceAccount)
    },
    expireTokens: (serviceAccount) => access.expireTokens(serviceAccount),
    grant: (grant) => access.grant(grant),
    on: (resource, notify) =>
      store.subscribe((change) => {
        if (change.resource === resources[resource]) notify(change)
      }),
    pause: () => faults.pause(),
    resume: () => faults.resume(),
    stop: () => listener.stop(),
    start: async () => void (await listener.start(port)),
    delay: (ms) => {
      faults.delayMs = ms
    },
    failNext: (status, times = 1, verb) => faults.failNext(status, times, verb),
    cutWatches: (how = 'reset') => watches.cut(how),
    sendBookmarks: () => watches.sendBookmarks(),
    sendRaw: (line) => watches.sendRaw(line),
    compact: (how = 'event') => {
      goneAs = how
      store.compact()
      lister.forget()
    },
    requests,
    count: (filter = {}) => requests.filter((request) => agrees(request, filter)).length,
    get openWatches() {
      return watches.count
    },
    admissions: admission.records,
    get resourceVersion() {
      return store.revision
    },
    close: async () => {
      faults.resume()
      await listener.stop()
    },
  }
  return api
}

function agrees(request: RequestRecord, filter: RequestFilter): boolean {
  return (Object.keys(filter) as (keyof RequestFilter)[]).every((key) => request[key] === filter[key])
}

interface Listener {
  start(port: number): Promise<number>
  stop(): Promise<void>
}

/** Owns the sockets, so that stopping leaves none open. */
function listenerFor(leaf: KeyPair, host: string, onRequest: RequestListener): Listener {
  let server: https.Server | undefined
  const sockets = new Set<Socket>()
  return {
    start: (port) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const started = https.createServer({ cert: leaf.certificate, key: leaf.key, keepAliveTimeout: 90_000 }, onRequest)
      server = started
      started.on('connection', (socket: Socket) => {
        sockets.add(socket)
        socket.on('close', () => sockets.delete(socket))
      })
      started.on('error', reject)
      started.listen(port, host, () => resolve((started.address() as AddressInfo).port))
      return promise
    },
    stop: async () => {
      const stopping = server
      server = undefined
      if (stopping === undefined) return
      const closed = new Promise<void>((resolve) => stopping.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
