/**
 * Keeps a picture of one kind of object: lists, then watches, and begins anew after whatever goes wrong, for ever. The
 * client library's own informer stops at the first error that is not a time-out.
 */
export interface Listing<T> {
  readonly items: readonly T[]
  readonly resourceVersion: string
}

export type WatchEvent<T> =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
      readonly object: T
      readonly resourceVersion: string
    }
  | { readonly type: 'ERROR'; readonly code: number; readonly message: string }

/** The API as this loop needs it. Both calls must end by themselves or when the signal is aborted. */
export interface ListWatchSource<T> {
  list(signal: AbortSignal): Promise<Listing<T>>
  /** Resolves when the server or a time-out ended the watch; rejects when it failed. */
  watch(resourceVersion: string, onEvent: (event: WatchEvent<T>) => void, signal: AbortSignal): Promise<void>
}

export interface ListWatchSink<T> {
  replace(items: readonly T[]): void
  upsert(item: T): void
  remove(item: T): void
  /** The API server was heard of: what is known is as it was a moment ago. */
  heard?(): void
  /** What is known may be out of date from now on, and why; the loop goes on by itself. */
  failed(error: Error, retryMs: number): void
}

export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

const firstRetryMs = 500
const lastRetryMs = 30_000
/**
 * What ends sooner than this counts as a failure to wait after: neither a broken proxy nor the right to list without
 * the right to watch must make a busy loop.
 */
const shortWatchMs = 1000

/** Runs until the signal is aborted. Never rejects. */
export async function listAndWatch<T>(
  source: ListWatchSource<T>,
  sink: ListWatchSink<T>,
  pause: Pause,
  signal: AbortSignal,
  now: () => number = () => performance.now(),
): Promise<void> {
  let retryMs = firstRetryMs
  while (!signal.aborted) {
    try {
      const listing = await source.list(signal)
      sink.replace(listing.items)
      sink.heard?.()
      const listed = now()
      try {
        await watchUntilGone(source, sink, listing.resourceVersion, pause, signal, now)
      } finally {
        if (now() - listed >= shortWatchMs) retryMs = firstRetryMs
      }
    } catch (error) {
      if (signal.aborted) return
      sink.failed(error instanceof Error ? error : new Error(String(error)), retryMs)
      await pause(retryMs, signal)
      retryMs = Math.min(retryMs * 2, lastRetryMs)
    }
  }
}

/** Returns when the resource version became too old (410 Gone), for a new list at once. */
async function watchUntilGone<T>(
  source: ListWatchSource<T>,
  sink: ListWatchSink<T>,
  from: string,
  pause: Pause,
  signal: AbortSignal,
  now: () => number,
): Promise<void> {
  let resourceVersion = from
  let failure: { code: number; message: string } | undefined
  const listed = now()
  const onEvent = (event: WatchEvent<T>) => {
    if (event.type === 'ERROR') {
      failure = event
      return
    }
    resourceVersion = event.resourceVersion
    sink.heard?.()
    if (event.type === 'DELETED') sink.remove(event.object)
    else if (event.type !== 'BOOKMARK') sink.upsert(event.object)
  }
  while (!signal.aborted) {
    const started = now()
    await source.watch(resourceVersion, onEvent, signal)
    if (failure?.code === 410 && now() - listed >= shortWatchMs) return
    if (failure) throw new Error(`the watch ended with ${failure.code}: ${failure.message}`)
    sink.heard?.()
    if (now() - started < shortWatchMs) await pause(shortWatchMs, signal)
  }
}
