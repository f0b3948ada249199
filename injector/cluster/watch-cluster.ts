/** Keeps a `ClusterCache` current from the API server, with log lines and metrics about how well that goes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import type { CachedResource, InjectorMetrics } from '../metrics.ts'
import type { Notice } from '../notice.ts'
import { NotAllowedError, namespaceSource, nodeSource } from './api.ts'
import { ClusterCache } from './cache.ts'
import { type ListWatchSink, type ListWatchSource, listAndWatch } from './list-watch.ts'
import { createOwnerEvents } from './owner-events.ts'

export interface WatchedCluster {
  readonly view: ClusterCache
  tell(notice: Notice): void
  /** True once everything was listed; stays true, because stale knowledge is better than none. */
  synced(): boolean
  stop(): void
}

export function watchCluster(kubeConfig: KubeConfig, log: Logger, metrics: InjectorMetrics): WatchedCluster {
  const view = new ClusterCache()
  const stop = new AbortController()
  const listed = new Set<CachedResource>()
  const keep = <T>(resource: CachedResource, source: ListWatchSource<T>, store: Omit<ListWatchSink<T>, 'failed'>) => {
    metrics.cacheSynced(resource, false)
    const sink: ListWatchSink<T> = {
      ...store,
      replace(items) {
        store.replace(items)
        listed.add(resource)
        metrics.cacheSynced(resource, true)
        log.debug({ resource, count: items.length }, 'listed')
      },
      failed(error, retryMs) {
        metrics.cacheSynced(resource, false)
        metrics.cacheRestarted(resource)
        if (resource === 'namespaces') view.namespacesOutdated()
        const needs = error instanceof NotAllowedError ? `; needs: get, list, watch ${resource}` : ''
        log.warn(
          { resource, cause: error.message.split('\n', 1)[0], retryMs },
          `cannot keep the ${resource} current${needs}; trying again`,
        )
      },
    }
    void listAndWatch(source, sink, pause, stop.signal)
  }
  keep('namespaces', namespaceSource(kubeConfig), view.namespaces)
  keep('nodes', nodeSource(kubeConfig), view.nodes)
  const tell = createOwnerEvents(kubeConfig, log)
  return { view, tell, synced: () => listed.size === 2, stop: () => stop.abort() }
}

/** With up to a fifth more at random, so that replicas do not come back all at once. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms * (1 + Math.random() / 5), undefined, { signal, ref: false }).catch(() => undefined)
