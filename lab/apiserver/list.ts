/** GET on a collection: selectors, pages that show one moment, and what a page's `continue` points at. */
import { randomUUID } from 'node:crypto'
import { apiVersionOf, type Resource, type Stored } from './objects.ts'
import type { Route } from './route.ts'
import { parseFieldSelector, parseLabelSelector } from './selector.ts'
import { badRequest, continueExpired, tooLarge } from './status.ts'
import type { Store } from './store.ts'

export type Filter = (object: Stored) => boolean

/** @throws {StatusError} 400 for a selector that cannot be parsed */
export function filterOf(route: Route): Filter {
  try {
    const labels = parseLabelSelector(route.query.get('labelSelector') ?? '')
    const fields = parseFieldSelector(route.query.get('fieldSelector') ?? '')
    return (object) =>
      (route.namespace === '' || object.metadata.namespace === route.namespace) &&
      (route.name === '' || object.metadata.name === route.name) &&
      labels(object.metadata.labels ?? {}) &&
      fields(object)
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error))
  }
}

/** @throws {StatusError} 400 where the text is not one */
export function revisionOf(route: Route): number | undefined {
  const text = route.query.get('resourceVersion') ?? ''
  if (text === '') return undefined
  if (!/^\d+$/.test(text)) throw badRequest(`invalid resource version: ${JSON.stringify(text)}`)
  return Number(text)
}

/** Pages after the first come from the moment of the first; kept until the history is compacted. */
export class Lister {
  readonly #store: Store
  readonly #snapshots = new Map<string, Snapshot>()

  constructor(store: Store) {
    this.#store = store
  }

  forget(): void {
    this.#snapshots.clear()
  }

  list(route: Route): Record<string, unknown> {
    const matches = filterOf(route)
    const limit = Number(route.query.get('limit') ?? 0)
    const token = route.query.get('continue') ?? ''
    const wanted = revisionOf(route)
    if (wanted !== undefined && wanted > this.#store.revision) throw tooLarge(wanted, this.#store.revision)
    const { id, from } = token === '' ? { id: randomUUID(), from: 0 } : readToken(token)
    const snapshot =
      token === ''
        ? { revision: this.#store.revision, items: this.#store.list(route.resource).filter(matches) }
        : this.#snapshots.get(id)
    if (snapshot === undefined) throw continueExpired()
    const { items, revision } = snapshot
    const to = limit > 0 ? Math.min(from + limit, items.length) : items.length
    const metadata: Record<string, unknown> = { resourceVersion: String(revision) }
    if (to < items.length) {
      this.#snapshots.set(id, snapshot)
      metadata['continue'] = Buffer.from(JSON.stringify({ id, from: to })).toString('base64url')
      metadata['remainingItemCount'] = items.length - to
    } else this.#snapshots.delete(id)
    return listObject(route.resource, metadata, items.slice(from, to))
  }
}

interface Snapshot {
  readonly revision: number
  readonly items: Stored[]
}

function listObject(resource: Resource, metadata: Record<string, unknown>, items: Stored[]): Record<string, unknown> {
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata,
    // As the real server does it, the items do not repeat kind and apiVersion.
    items: items.map(({ kind: _kind, apiVersion: _version, ...item }) => item),
  }
}

function readToken(token: string): { id: string; from: number } {
  try {
    const { id, from } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>
    if (typeof id === 'string' && typeof from === 'number') return { id, from }
  } catch {
    // Falls through: not one of ours.
  }
  throw badRequest(`continue key is not valid: ${JSON.stringify(token)}`)
}
