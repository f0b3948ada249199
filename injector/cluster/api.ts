/** What is watched of the cluster: namespaces by their metadata, nodes by their kubelets; and single objects by name. */
import type { Watch } from '@kubernetes/client-node'
import { type Json, objectAt, textAt } from '../json.ts'
import type { NamespaceObject, NodeObject } from './cache.ts'
import type { ListWatchSource } from './list-watch.ts'
import type { Rest } from './rest.ts'
import { objectSource } from './source.ts'

/** How long the API server may be silent before it is asked anew, which bounds how long a dead connection goes unnoticed. */
export interface WatchTimes {
  readonly watchSeconds: number
  readonly watchTimeoutMs: number
  readonly listTimeoutMs: number
}

// The client library, too, ends a watch as an error that was quiet for 30 s.
const watchSeconds = 25
export const watchTimes: WatchTimes = { watchSeconds, watchTimeoutMs: 30_000, listTimeoutMs: 30_000 }

export function namespaceSource(rest: Rest, times: WatchTimes = watchTimes): ListWatchSource<NamespaceObject> {
  return objectSource(rest, '/api/v1/namespaces', namespaceOf, { ...times, metadata: true })
}

export function nodeSource(rest: Rest, times: WatchTimes = watchTimes): ListWatchSource<NodeObject> {
  return objectSource(rest, '/api/v1/nodes', nodeOf, times)
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
  throw new Error(`the watch of ${path} ended: ${error instanceof Error ? error.message : String(error)}`)
}
