/**
 * GET with watch=1: a stream of JSON lines.
 * An object that stops matching the selector is sent as DELETED, one that starts to as ADDED, as the real server does
 * (k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go, convertToWatchEvent).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Faults } from './faults.ts'
import { type Filter, filterOf, revisionOf } from './list.ts'
import { metadataOf, wantsMetadata } from './metadata-only.ts'
import { apiVersionOf, type Stored } from './objects.ts'
import type { Route } from './route.ts'
import { type Status, StatusError, tooLarge } from './status.ts'
import type { Change, Store } from './store.ts'

export interface WatchOptions {
  /** How a resourceVersion that is too old is refused: in the stream (what the real server mostly does), or as HTTP 410. */
  readonly goneAs: 'event' | 'status'
  readonly bookmarkIntervalMs: number
}

export class Watches {
  readonly #store: Store
  readonly #faults: Faults
  readonly #open = new Set<Watch>()

  constructor(store: Store, faults: Faults) {
    this.#store = store
    this.#faults = faults
  }

  get count(): number {
    return this.#open.size
  }

  /** @throws {StatusError} before the first byte is written */
  open(route: Route, request: IncomingMessage, response: ServerResponse, options: WatchOptions): void {
    const revision = revisionOf(route)
    if (revision !== undefined && revision > this.#store.revision) throw tooLarge(revision, this.#store.revision)
    const matches = filterOf(route)
    const { backlog, error } = this.#backlog(route, revision, matches, options.goneAs)
    const watch = new Watch(route, request, response, matches, this.#faults)
    watch.begin()
    if (error !== undefined) {
      watch.send('ERROR', error)
      watch.end()
      return
    }
    for (const [type, object] of backlog) watch.send(type, object)
    this.#open.add(watch)
    const unsubscribe = this.#store.subscribe((change) => watch.change(change))
    const bookmarks = setInterval(() => watch.bookmark(this.#store.revision), options.bookmarkIntervalMs)
    const seconds = Number(route.query.get('timeoutSeconds') ?? 0) || 1800 + Math.random() * 1800
    const timeout = setTimeout(() => {
      watch.bookmark(this.#store.revision)
      watch.end()
    }, seconds * 1000)
    response.on('close', () => {
      unsubscribe()
      clearInterval(bookmarks)
      clearTimeout(timeout)
      this.#open.delete(watch)
    })
  }

  sendBookmarks(): void {
    for (const watch of this.#open) watch.bookmark(this.#store.revision)
  }

  /** A line that is not an event, as a broken proxy would put in. */
  sendRaw(line: string): void {
    for (const watch of this.#open) watch.raw(line)
  }

  /** Breaks every connection, or ends every stream as a server does that has had enough. */
  cut(how: 'reset' | 'end'): void {
    for (const watch of [...this.#open]) {
      if (how === 'end') watch.end()
      else watch.reset()
    }
  }

  #backlog(
    route: Route,
    revision: number | undefined,
    matches: Filter,
    goneAs: WatchOptions['goneAs'],
  ): { backlog: (readonly [string, Stored])[]; error?: Status } {
    if (revision === undefined || revision === 0) {
      const present = this.#store.list(route.resource).filter(matches)
      return { backlog: present.map((object) => ['ADDED', object]) }
    }
    try {
      const changes = this.#store.changesSince(revision, route.resource)
      return { backlog: changes.map((change) => eventOf(change, matches)).filter((event) => event !== undefined) }
    } catch (error) {
      if (goneAs === 'status' || !(error instanceof StatusError)) throw error
      return { backlog: [], error: error.status }
    }
  }
}

function eventOf(change: Change, matches: Filter): readonly [string, Stored] | undefined {
  const before = change.previous !== undefined && matches(change.previous)
  const now = change.type !== 'DELETED' && matches(change.object)
  if (now) return [before ? 'MODIFIED' : 'ADDED', change.object]
  if (!before || change.previous === undefined) return undefined
  // The last state that matched, with the revision at which it stopped to.
  const { resourceVersion } = change.object.metadata
  return ['DELETED', { ...change.previous, metadata: { ...change.previous.metadata, resourceVersion } }]
}

class Watch {
  readonly #route: Route
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #matches: Filter
  readonly #faults: Faults
  #held: string[] = []
  #ended = false

  constructor(route: Route, request: IncomingMessage, response: ServerResponse, matches: Filter, faults: Faults) {
    this.#route = route
    this.#request = request
    this.#response = response
    this.#matches = matches
    this.#faults = faults
  }

  begin(): void {
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
    this.#response.flushHeaders()
  }

  change(change: Change): void {
    if (change.resource !== this.#route.resource) return
    const event = eventOf(change, this.#matches)
    if (event !== undefined) this.send(...event)
  }

  bookmark(revision: number): void {
    if (!['1', 'true'].includes(this.#route.query.get('allowWatchBookmarks') ?? '')) return
    const { resource } = this.#route
    const metadata = { resourceVersion: String(revision), creationTimestamp: null }
    this.send('BOOKMARK', { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata })
  }

  send(type: string, object: unknown): void {
    const partial = type !== 'ERROR' && wantsMetadata(this.#request.headers.accept)
    this.raw(JSON.stringify({ type, object: partial ? metadataOf(object as Stored) : object }))
  }

  /** While the server is paused its watches are silent; what happened meanwhile follows afterwards. */
  raw(line: string): void {
    if (this.#ended) return
    if (!this.#faults.paused) {
      this.#response.write(`${line}\n`)
      return
    }
    if (this.#held.push(line) > 1) return
    void this.#faults.whenResumed().then(() => {
      const lines = this.#held
      this.#held = []
      for (const held of lines) this.raw(held)
    })
  }

  end(): void {
    if (this.#faults.paused) return
    this.#ended = true
    this.#response.end()
  }

  reset(): void {
    this.#ended = true
    this.#request.socket.destroy()
  }
}
