/** Create, update, patch and delete: the writing half of the API, the same for HTTP clients and for tests in-process. */
import type { User } from './access.ts'
import type { Admission } from './admission.ts'
import { type KubernetesObject, type Pod, type Resource, resources, type Stored } from './objects.ts'
import { patched } from './patch.ts'
import { randomSuffix } from './pod-defaults.ts'
import { badRequest, invalid, notFound } from './status.ts'
import type { Store } from './store.ts'

export interface Created {
  readonly object: Stored
  readonly warnings: readonly string[]
}

/** Preconditions of all: the user may do it. */
export class Operations {
  readonly #store: Store
  readonly #admission: Admission
  readonly #now: () => number

  constructor(store: Store, admission: Admission, now: () => number) {
    this.#store = store
    this.#admission = admission
    this.#now = now
  }

  async create(
    resource: Resource,
    namespace: string,
    sent: KubernetesObject,
    user: User,
    dryRun = false,
  ): Promise<Created> {
    let object = structuredClone(sent)
    let warnings: readonly string[] = []
    object.metadata = { ...object.metadata }
    if (resource.namespaced) {
      const named = object.metadata.namespace ?? namespace
      if (named !== namespace)
        throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
      if (this.#store.find(resources.namespaces, '', namespace) === undefined) {
        throw notFound(resources.namespaces, namespace)
      }
      object.metadata.namespace = namespace
    }
    if (resource === resources.pods) {
      if (((object as Pod).spec?.containers ?? []).length === 0) {
        throw invalid(resource, object.metadata.name ?? '', 'spec.containers: Required value')
      }
      const admitted = await this.#admission.admit(object, namespace, user, dryRun)
      object = admitted.pod
      warnings = admitted.warnings
    }
    object.metadata = { ...object.metadata }
    if (object.metadata.name === undefined || object.metadata.name === '') {
      if (!object.metadata.generateName)
        throw invalid(resource, '', 'metadata.name: Required value: name or generateName is required')
      object.metadata.name = `${object.metadata.generateName}${randomSuffix()}`
    }
    if (resource === resources.namespaces) {
      object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name }
      object['status'] = { phase: 'Active' }
    }
    if (dryRun) return { object: object as Stored, warnings }
    return { object: this.#store.create(resource, object), warnings }
  }

  update(resource: Resource, namespace: string, name: string, sent: KubernetesObject, subresource: string): Stored {
    const present = this.#store.get(resource, namespace, name)
    return this.#store.update(resource, namespace, name, replaced(resource, present, sent, subresource))
  }

  patch(resource: Resource, namespace: string, name: string, type: string, body: unknown, subresource: string): Stored {
    const present = this.#store.get(resource, namespace, name)
    return this.#store.update(
      resource,
      namespace,
      name,
      replaced(resource, present, patched(present, type, body), subresource),
    )
  }

  /**
   * A pod that runs on a node first terminates: it gets a deletionTimestamp, and goes when its kubelet deletes it with
   * a grace period of 0. Everything else goes at once.
   */
  delete(resource: Resource, namespace: string, name: string, gracePeriodSeconds?: number): Stored {
    const present = this.#store.get(resource, namespace, name) as Stored<Pod>
    const graceful = resource === resources.pods && present.spec?.nodeName !== undefined
    if (!graceful || gracePeriodSeconds === 0) return this.#store.delete(resource, namespace, name)
    if (present.metadata.deletionTimestamp !== undefined) return present
    const seconds = gracePeriodSeconds ?? 30
    const deletionTimestamp = new Date(this.#now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
    const metadata = { ...present.metadata, deletionTimestamp, deletionGracePeriodSeconds: seconds }
    return this.#store.update(resource, namespace, name, { ...present, metadata })
  }
}

/** The status belongs to its subresource alone, everything else to the object (pods and nodes; others have none here). */
function replaced(resource: Resource, present: Stored, sent: KubernetesObject, subresource: string): KubernetesObject {
  const resourceVersion = sent.metadata?.resourceVersion
  const version = resourceVersion === undefined ? {} : { resourceVersion }
  if (subresource === 'status') {
    const { resourceVersion: _current, ...metadata } = present.metadata
    return { ...present, status: sent['status'], metadata: { ...metadata, ...version } }
  }
  const hasStatus = resource === resources.pods || resource === resources.nodes || resource === resources.namespaces
  return hasStatus ? { ...sent, status: present['status'] } : sent
}
