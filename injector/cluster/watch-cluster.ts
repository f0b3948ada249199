/** Keeps a `ClusterCache` current from the API server, with log lines and metrics about how well that goes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import { watchBlindSpots } from '../blind-spots/watch.ts'
import type { CachedResource, InjectorMetrics } from '../metrics.ts'
import type { Notice } from '../notice.ts'
import type { InjectionConfig } from '../plan.ts'
import { namespaceSource, nodeSource, type WatchTimes, watchTimes } from './api.ts'
import { ClusterCache } from './cache.ts'
import { type ListWatchSink, type ListWatchSource, listAndWatch } from './list-watch.ts'
import { createEventPost, createOwnerEvents } from './owner-events.ts'
import { ApiError, createRest } from './rest.ts'

export interface WatchedCluster {
  readonly view: ClusterCache
  tell(notice: Notice): void
  /** True once everything was listed; stays true, because stale knowledge is better than none. */
  synced(): boolean
  /** What `lookingWith` says is no longer what it was. */
  settingsChanged(): void
  stop(): void
}

/** @param lookingWith what pods that are there already are judged by; undefined: they are not looked at */
export function watchCluster(
  kubeConfig: KubeConfig,
  log: Logger,
  metrics: InjectorMetrics,
  lookingWith?: () => InjectionConfig,
  times: WatchTimes = watchTimes,
): WatchedCluster {
  const view = new ClusterCache()
  const stop = new AbortController()
  const listed = new Set<CachedResource>()
  const rest = createRest(kubeConfig)
  const postEvent = createEventPost(rest)
  const blindSpots = lookingWith && watchBlindSpots({ rest, view, config: lookingWith, metrics, log, postEvent, pause })
  const synced = (): boolean => listed.size === 2
  const changed = (namespace?: string): void => {
    if (synced()) blindSpots?.namespacesChanged(view.allNamespaces(), namespace)
  }
  const keep = <T>(resource: CachedResource, source: ListWatchSource<T>, store: Omit<ListWatchSink<T>, 'failed'>) => {
    metrics.cacheSynced(resource, false)
    const sink: ListWatchSink<T> = {
      ...store,
      replace(items) {
        store.replace(items)
        listed.add(resource)
        metrics.cacheSynced(resource, true)
        log.debug({ resource, count: items.length }, 'listed')
        changed()
        // After a failure more may have changed than is known.
        blindSpots?.again()
      },
      heard: () => metrics.cacheHeard(resource),
      failed(error, retryMs) {
        metrics.cacheSynced(resource, false)
        metrics.cacheRestarted(resource)
        if (resource === 'namespaces') view.namespacesOutdated()
        const needs = error instanceof ApiError && error.status === 403 ? `; needs: get, list, watch ${resource}` : ''
        log.warn(
          { resource, cause: error.message.split('\n', 1)[0], retryMs },
          `cannot keep the ${resource} current${needs}; trying again`,
        )
      },
    }
    void listAndWatch(source, sink, pause, stop.signal)
  }
  keep('namespaces', namespaceSource(rest, times), {
    ...view.namespaces,
    upsert(item) {
      view.namespaces.upsert(item)
      changed(item.name)
    },
    remove(item) {
      view.namespaces.remove(item)
      changed()
    },
  })
  keep('nodes', nodeSource(rest, times), view.nodes)
  return {
    view,
    tell: createOwnerEvents(postEvent, log),
    synced,
    settingsChanged: () => blindSpots?.again(),
    stop() {
      stop.abort()
      blindSpots?.stop()
      rest.close()
    },
  }
}

/** With up to a fifth more at random, so that replicas do not come back all at once. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms * (1 + Math.random() / 5), undefined, { signal, ref: false }).catch(() => undefined)
