/**
 * The objects and their history: one revision counter for everything, as etcd has, and what changed since each
 * revision until it is compacted. Objects are never modified in place, so that they can be handed out without a copy.
 */
import { randomUUID } from 'node:crypto'
import { apiVersionOf, type KubernetesObject, type Resource, type Stored } from './objects.ts'
import { alreadyExists, conflict, expired, notFound } from './status.ts'

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface Change {
  readonly type: ChangeType
  readonly resource: Resource
  readonly object: Stored
  /** As it was before; absent when added. */
  readonly previous?: Stored
  readonly revision: number
}

export class Store {
  #revision = 1
  #compacted = 0
  #history: Change[] = []
  readonly #objects = new Map<Resource, Map<string, Stored>>()
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get revision(): number {
    return this.#revision
  }

  /** @param namespace undefined for every namespace */
  list(resource: Resource, namespace?: string): Stored[] {
    const objects = [...(this.#objects.get(resource)?.values() ?? [])]
    const inside =
      namespace === undefined ? objects : objects.filter((object) => object.metadata.namespace === namespace)
    return inside.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }

  find(resource: Resource, namespace: string, name: string): Stored | undefined {
    return this.#objects.get(resource)?.get(`${namespace}/${name}`)
  }

  get(resource: Resource, namespace: string, name: string): Stored {
    const object = this.find(resource, namespace, name)
    if (object === undefined) throw notFound(resource, name)
    return object
  }

  /** Preconditions: `metadata.name` is set, and `metadata.namespace` where the resource has one. */
  create(resource: Resource, object: KubernetesObject): Stored {
    const { name = '', namespace = '' } = object.metadata ?? {}
    if (this.find(resource, namespace, name) !== undefined) throw alreadyExists(resource, name)
    const created = structuredClone(object)
    created.metadata = {
      ...created.metadata,
      uid: created.metadata?.uid ?? randomUUID(),
      creationTimestamp: new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z'),
    }
    return this.#commit('ADDED', resource, created)
  }

  /** The object's resourceVersion, where it has one, must be the present one. Identity stays, and so does a deletion that has begun. */
  update(resource: Resource, namespace: string, name: string, object: KubernetesObject): Stored {
    const previous = this.get(resource, namespace, name)
    const version = object.metadata?.resourceVersion
    if (version !== undefined && version !== previous.metadata.resourceVersion) throw conflict(resource, name)
    const updated = structuredClone(object)
    const kept = ['uid', 'namespace', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const
    updated.metadata = { ...updated.metadata, name }
    for (const field of kept) {
      if (previous.metadata[field] !== undefined) Object.assign(updated.metadata, { [field]: previous.metadata[field] })
    }
    return this.#commit('MODIFIED', resource, updated, previous)
  }

  delete(resource: Resource, namespace: string, name: string): Stored {
    const previous = this.get(resource, namespace, name)
    return this.#commit('DELETED', resource, structuredClone(previous), previous)
  }

  /** @throws {StatusError} 410 where the history before is gone */
  changesSince(revision: number, resource: Resource): Change[] {
    if (revision < this.#compacted) throw expired(revision, this.#compacted)
    return this.#history.filter((change) => change.revision > revision && change.resource === resource)
  }

  /** Forgets the history: whoever has seen less than everything until now gets 410. */
  compact(): void {
    this.#revision += 1
    this.#compacted = this.#revision
    this.#history = []
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #commit(type: ChangeType, resource: Resource, object: KubernetesObject, previous?: Stored): Stored {
    this.#revision += 1
    const stored: Stored = {
      ...object,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { ...object.metadata, resourceVersion: String(this.#revision) } as Stored['metadata'],
    }
    const objects = this.#objects.get(resource) ?? new Map<string, Stored>()
    this.#objects.set(resource, objects)
    if (type === 'DELETED') objects.delete(keyOf(stored))
    else objects.set(keyOf(stored), stored)
    const change = {
      type,
      resource,
      object: stored,
      revision: this.#revision,
      ...(previous === undefined ? {} : { previous }),
    }
    this.#history.push(change)
    for (const listener of [...this.#listeners]) listener(change)
    return stored
  }
}

function keyOf(object: Stored): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}
