/** One kind of object, listed in pages and watched; of each, only what is needed is kept, on arrival. */
import { isObject, type Json, textAt } from '../json.ts'
import type { ListWatchSource, WatchEvent } from './list-watch.ts'
import { eachPage } from './pages.ts'
import { metadataOnly, type Rest } from './rest.ts'

export interface SourceOptions {
  readonly labelSelector?: string
  /** Whether an object's metadata is enough. */
  readonly metadata?: boolean
  /** The server ends a watch after this. */
  readonly watchSeconds: number
  /** When it is not heard of for this long, the connection is dead. */
  readonly watchTimeoutMs: number
  /** For one page of a list. */
  readonly listTimeoutMs?: number
}

export function objectSource<T>(
  rest: Rest,
  path: string,
  reduce: (object: Json) => T,
  options: SourceOptions,
  keep: (item: T) => boolean = () => true,
): ListWatchSource<T> {
  const { labelSelector, metadata = false, watchSeconds, watchTimeoutMs, listTimeoutMs } = options
  const selected = labelSelector === undefined ? {} : { labelSelector }
  return {
    async list(signal) {
      const items: T[] = []
      const timeout = listTimeoutMs === undefined ? {} : { timeoutMs: listTimeoutMs }
      const resourceVersion = await eachPage(rest, path, { ...selected, ...timeout, metadata, signal }, (page) => {
        for (const object of page) {
          const item = reduce(object)
          if (keep(item)) items.push(item)
        }
      })
      return { items, resourceVersion }
    },
    watch: (resourceVersion, onEvent, signal) =>
      rest.lines(
        path,
        (line) => {
          const { type, object } = JSON.parse(line) as { type: string; object: Json }
          onEvent(eventOf(type, object, reduce))
        },
        {
          query: {
            ...{ watch: true, ...selected, resourceVersion },
            ...{ allowWatchBookmarks: true, timeoutSeconds: watchSeconds },
          },
          ...(metadata ? { accept: metadataOnly.object } : {}),
          timeoutMs: watchTimeoutMs,
          signal,
        },
      ),
  }
}

export function eventOf<T>(type: string, object: Json, reduce: (object: Json) => T): WatchEvent<T> {
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK') {
    return { type, object: reduce(object), resourceVersion: textAt(object, 'metadata', 'resourceVersion') ?? '' }
  }
  const code = isObject(object) && typeof object['code'] === 'number' ? object['code'] : 0
  return { type: 'ERROR', code, message: textAt(object, 'message') ?? type }
}
