/** The injector's look at pods that are there already: what keeps the finder current, and where its findings go. */
import type { Logger } from 'pino'
import { blindSpotAnchor, untappedReasons } from '../../contract/blind-spots.ts'
import { type ListWatchSink, listAndWatch, type Pause } from '../cluster/list-watch.ts'
import type { PostEvent } from '../cluster/owner-events.ts'
import { ApiError, type Rest } from '../cluster/rest.ts'
import type { ClusterView } from '../handle.ts'
import { isObject } from '../json.ts'
import type { InjectorMetrics } from '../metrics.ts'
import type { InjectionConfig, NamespaceFacts } from '../plan.ts'
import { againMs, createAnnouncer } from './announce.ts'
import { BlindSpotFinder } from './finder.ts'
import { judgePod } from './judge.ts'
import { podMetadataSource, type SeenPod } from './pod-metadata.ts'
import { scopesOf } from './scopes.ts'

export interface BlindSpotParts {
  readonly rest: Rest
  readonly view: ClusterView
  readonly config: () => InjectionConfig
  readonly metrics: Pick<InjectorMetrics, 'cacheSynced' | 'cacheRestarted' | 'untappedPods'>
  readonly log: Logger
  readonly postEvent: PostEvent
  readonly pause: Pause
}

export interface BlindSpotWatch {
  /** Call when everything is listed for the first time, and when a namespace has changed. */
  namespacesChanged(namespaces: Iterable<NamespaceFacts>, changed?: string): void
  /** Judges again all pods without a tap. */
  again(): void
  stop(): void
}

export function watchBlindSpots(parts: BlindSpotParts): BlindSpotWatch {
  const { rest, view, config, metrics, log, pause } = parts
  const stop = new AbortController()
  const scopes = new Map<string, AbortController>()
  const current = new Set<string>()
  for (const reason of untappedReasons) metrics.untappedPods(reason, 0)
  metrics.cacheSynced('pods', false)

  const finder = new BlindSpotFinder({
    async read(namespace, name) {
      try {
        const pod = await rest.get(`/api/v1/namespaces/${namespace}/pods/${name}`, { signal: stop.signal })
        return isObject(pod) ? pod : undefined
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return undefined
        throw error
      }
    },
    judge: (pod, namespace) => judgePod(pod, view.namespace(namespace), view.facts(), config()),
    counted: (reason, pods) => metrics.untappedPods(reason, pods),
    found: createAnnouncer({
      post: (notice) => parts.postEvent({ ...notice, once: true }),
      log: ({ namespace, owner, reason, message }) =>
        log.warn({ reason, namespace, owner: `${owner.kind}/${owner.name}`, docs: blindSpotAnchor(reason) }, message),
      failed: ({ namespace, owner }, error) =>
        log.warn(
          { namespace, owner: `${owner.kind}/${owner.name}`, cause: error.message },
          'cannot tell the owner of a pod that it runs untapped; needs: create events',
        ),
      now: () => performance.now(),
    }),
    failed: ({ namespace, name }, error) =>
      stop.signal.aborted ||
      log.warn({ namespace, pod: name, cause: error.message }, 'cannot look whether a pod is tapped'),
    pause: (ms) => pause(ms, stop.signal),
  })
  const again = setInterval(() => finder.again(), againMs)
  again.unref()

  function sinkOf(key: string): ListWatchSink<SeenPod> {
    const sink = finder.sink(key)
    return {
      ...sink,
      replace(pods) {
        sink.replace(pods)
        current.add(key)
        metrics.cacheSynced('pods', current.size === scopes.size)
      },
      failed(error, retryMs) {
        current.delete(key)
        metrics.cacheSynced('pods', false)
        metrics.cacheRestarted('pods')
        const cause = error.message.split('\n', 1)[0]
        log.warn({ resource: 'pods', scope: key, cause, retryMs }, needs(error))
      },
    }
  }

  return {
    namespacesChanged(namespaces, changed) {
      const wanted = scopesOf(namespaces)
      const keys = new Set(wanted.map(({ key }) => key))
      for (const [key, running] of scopes) {
        if (keys.has(key)) continue
        running.abort()
        scopes.delete(key)
        current.delete(key)
        finder.dropScope(key)
      }
      for (const scope of wanted) {
        if (scopes.has(scope.key)) continue
        const running = new AbortController()
        scopes.set(scope.key, running)
        const signal = AbortSignal.any([running.signal, stop.signal])
        void listAndWatch(podMetadataSource(rest, scope), sinkOf(scope.key), pause, signal)
      }
      // The last one that was missing may be wanted no longer, and a new one is not listed yet.
      metrics.cacheSynced('pods', current.size === scopes.size)
      if (changed !== undefined) finder.again(changed)
    },
    again: () => finder.again(),
    stop() {
      stop.abort()
      clearInterval(again)
      finder.stop()
    },
  }
}

const needs = (error: Error): string =>
  error instanceof ApiError && error.status === 403
    ? "cannot see which pods run untapped; needs: get, list and watch pods (the chart's blindSpots.enabled), or BLIND_SPOTS=off"
    : 'cannot keep the pods current; trying again'
