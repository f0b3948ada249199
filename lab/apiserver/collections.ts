/** The server's objects as seen from the same process: for tests, and for the lab's kubelet. No token is needed. */
import type { User } from './access.ts'
import { type KubernetesObject, type Pod, type PodStatus, type Resource, resources, type Stored } from './objects.ts'
import type { Operations } from './operations.ts'
import type { Store } from './store.ts'

export interface Collection<T extends KubernetesObject = KubernetesObject> {
  /** Through admission, as any client's. The namespace is `default` where the object names none. */
  create(object: T): Promise<Stored<T>>
  /** Creates it, or replaces what has its name. */
  apply(object: T): Promise<Stored<T>>
  /** @throws {StatusError} 404 */
  get(namespace: string, name: string): Stored<T>
  /** @param namespace undefined for every namespace */
  list(namespace?: string): Stored<T>[]
  /** RFC 7396 on the object; the status, where there is one, stays. */
  patch(namespace: string, name: string, mergePatch: Partial<T>): Stored<T>
  /** Gone at once, whatever its grace period. */
  delete(namespace: string, name: string): Stored<T>
}

export interface PodCollection extends Collection<Pod> {
  /** What `create` answers, with the warnings that a client would be shown. */
  createWithWarnings(pod: Pod): Promise<{ pod: Stored<Pod>; warnings: readonly string[] }>
  /** Merged into the present status (RFC 7396: arrays are replaced). */
  setStatus(namespace: string, name: string, status: PodStatus): Stored<Pod>
  /** What the scheduler does. */
  bind(namespace: string, name: string, nodeName: string): Stored<Pod>
  /** Begins graceful termination: the kubelet (or `delete`) ends it. A pod without a node goes at once. */
  terminate(namespace: string, name: string, gracePeriodSeconds?: number): Stored<Pod>
}

const inProcess: User = {
  username: 'lab-admin',
  groups: ['system:masters', 'system:authenticated'],
  serviceAccount: undefined,
}

export function collectionOf<T extends KubernetesObject>(
  store: Store,
  operations: Operations,
  resource: Resource,
): Collection<T> {
  const namespaceOf = (object: T): string => (resource.namespaced ? (object.metadata?.namespace ?? 'default') : '')
  const create = async (object: T): Promise<Stored<T>> =>
    copy(await operations.create(resource, namespaceOf(object), object, inProcess).then((created) => created.object))
  // The store holds what was put in under this resource, so what comes out is of the collection's type.
  const copy = (object: Stored): Stored<T> => structuredClone(object) as Stored<T>
  return {
    create,
    apply: async (object) => {
      const { name = '' } = object.metadata ?? {}
      const namespace = namespaceOf(object)
      if (store.find(resource, namespace, name) === undefined) return create(object)
      return copy(operations.update(resource, namespace, name, object, ''))
    },
    get: (namespace, name) => copy(store.get(resource, namespace, name)),
    list: (namespace) => store.list(resource, namespace).map(copy),
    patch: (namespace, name, mergePatch) =>
      copy(operations.patch(resource, namespace, name, 'application/merge-patch+json', mergePatch, '')),
    delete: (namespace, name) => copy(operations.delete(resource, namespace, name, 0)),
  }
}

export function podsOf(store: Store, operations: Operations): PodCollection {
  const pods = collectionOf<Pod>(store, operations, resources.pods)
  const patch = (namespace: string, name: string, body: Pod, subresource: string): Stored<Pod> =>
    structuredClone(
      operations.patch(resources.pods, namespace, name, 'application/merge-patch+json', body, subresource),
    ) as Stored<Pod>
  return {
    ...pods,
    createWithWarnings: async (pod) => {
      const namespace = pod.metadata?.namespace ?? 'default'
      const { object, warnings } = await operations.create(resources.pods, namespace, pod, inProcess)
      return { pod: structuredClone(object) as Stored<Pod>, warnings }
    },
    setStatus: (namespace, name, status) => patch(namespace, name, { status }, 'status'),
    bind: (namespace, name, nodeName) => patch(namespace, name, { spec: { nodeName } }, ''),
    terminate: (namespace, name, gracePeriodSeconds) =>
      structuredClone(operations.delete(resources.pods, namespace, name, gracePeriodSeconds)) as Stored<Pod>,
  }
}
