/** Lists and watches through the Kubernetes client library. Objects are reduced to what the cache keeps on arrival. */
import { ApiException, CoreV1Api, type KubeConfig, Watch } from '@kubernetes/client-node'
import { isObject, type Json, objectAt, textAt } from '../json.ts'
import type { NamespaceObject, NodeObject } from './cache.ts'
import type { Listing, ListWatchSource, WatchEvent } from './list-watch.ts'

const listTimeoutMs = 30_000
const pageSize = 500
// Below the 30 s after which the library ends a quiet watch as an error.
const watchSeconds = 25

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly _continue?: string }
  readonly items: readonly unknown[]
}

export function namespaceSource(kubeConfig: KubeConfig): ListWatchSource<NamespaceObject> {
  const api = kubeConfig.makeApiClient(CoreV1Api)
  return source(kubeConfig, '/api/v1/namespaces', (page) => api.listNamespace(page), namespaceOf)
}

export function nodeSource(kubeConfig: KubeConfig): ListWatchSource<NodeObject> {
  const api = kubeConfig.makeApiClient(CoreV1Api)
  return source(kubeConfig, '/api/v1/nodes', (page) => api.listNode(page), nodeOf)
}

function source<T>(
  kubeConfig: KubeConfig,
  path: string,
  listPage: (page: { limit: number; _continue?: string }) => Promise<Page>,
  reduce: (object: Json) => T,
): ListWatchSource<T> {
  return {
    list: (signal) => timed(listAll(listPage, reduce, signal).catch(explain), listTimeoutMs, `the list of ${path}`),
    watch: (resourceVersion, onEvent, signal) =>
      watchOnce(
        new Watch(kubeConfig),
        path,
        { resourceVersion },
        (type, object) => onEvent(eventOf(type, object, reduce)),
        signal,
      ),
  }
}

async function listAll<T>(
  listPage: (page: { limit: number; _continue?: string }) => Promise<Page>,
  reduce: (object: Json) => T,
  signal: AbortSignal,
): Promise<Listing<T>> {
  const items: T[] = []
  let next: string | undefined
  for (;;) {
    const page = await listPage({ limit: pageSize, ...(next ? { _continue: next } : {}) })
    signal.throwIfAborted()
    items.push(...page.items.map((item) => reduce(item as Json)))
    next = page.metadata?._continue
    if (!next) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
  }
}

/** Resolves when the server or a time-out ended the watch; rejects when it failed. */
export async function watchOnce(
  watch: Watch,
  path: string,
  from: { readonly resourceVersion: string; readonly fieldSelector?: string },
  onEvent: (type: string, object: Json) => void,
  signal: AbortSignal,
): Promise<void> {
  const query = { ...from, allowWatchBookmarks: true, timeoutSeconds: watchSeconds }
  const ended = Promise.withResolvers<unknown>()
  const controller = await watch.watch(path, query, onEvent, ended.resolve)
  const abort = () => controller.abort()
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  const error = await ended.promise
  // The signal outlives thousands of watches.
  signal.removeEventListener('abort', abort)
  if (!error || (error instanceof Error && error.name === 'TimeoutError')) return
  // The library's errors carry the status of the answer.
  const code = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  throw refusal(code, `the watch of ${path} ended: ${error instanceof Error ? error.message : String(error)}`)
}

/** The API server does not allow it: no retry helps, a rule does. */
export class NotAllowedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NotAllowedError'
  }
}

const forbidden = 403

/** @throws always: what the API server said, which the library's own message has only after its first line */
function explain(error: unknown): never {
  if (!(error instanceof ApiException)) throw error
  throw refusal(error.code, textAt(bodyOf(error), 'message') ?? `the API server answered ${error.code}`)
}

const refusal = (code: unknown, message: string): Error =>
  code === forbidden ? new NotAllowedError(message) : new Error(message)

function bodyOf({ body }: ApiException<unknown>): Json {
  if (typeof body !== 'string') return (body ?? null) as Json
  try {
    return JSON.parse(body) as Json
  } catch {
    return null
  }
}

export function eventOf<T>(type: string, object: Json, reduce: (object: Json) => T): WatchEvent<T> {
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK') {
    return { type, object: reduce(object), resourceVersion: textAt(object, 'metadata', 'resourceVersion') ?? '' }
  }
  const code = isObject(object) && typeof object['code'] === 'number' ? object['code'] : 0
  return { type: 'ERROR', code, message: textAt(object, 'message') ?? type }
}

const namespaceOf = (object: Json): NamespaceObject => ({
  name: textAt(object, 'metadata', 'name') ?? '',
  labels: objectAt(object, 'metadata', 'labels'),
  annotations: objectAt(object, 'metadata', 'annotations'),
})

function nodeOf(object: Json): NodeObject {
  const linux = (textAt(object, 'status', 'nodeInfo', 'operatingSystem') ?? 'linux') === 'linux'
  const kubeletVersion = textAt(object, 'status', 'nodeInfo', 'kubeletVersion') ?? ''
  return {
    name: textAt(object, 'metadata', 'name') ?? '',
    kubeletVersion: linux ? kubeletVersion : '',
    bootId: textAt(object, 'status', 'nodeInfo', 'bootID') ?? '',
  }
}

async function timed<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expiry = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([work, expiry])
  } finally {
    clearTimeout(timer)
  }
}
