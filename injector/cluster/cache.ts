/** What the injector knows of the cluster, in memory: namespaces' labels and annotations, and the nodes' kubelets. */
import type { ClusterView } from '../handle.ts'
import type { JsonObject } from '../json.ts'
import type { ClusterFacts, NamespaceFacts } from '../plan.ts'
import { nativeEverywhere } from './kubelet-version.ts'

export interface NamespaceObject {
  readonly name: string
  readonly labels: JsonObject
  readonly annotations: JsonObject
}

export interface NodeObject {
  readonly name: string
  /** Empty for a node whose kubelet has not reported yet, or that does not run Linux pods. */
  readonly kubeletVersion: string
  /** One for each time that a kernel was started: nodes with the same are containers (kind, k3d). Empty where not told. */
  readonly bootId: string
}

export class ClusterCache implements ClusterView {
  readonly #namespaces = new Map<string, NamespaceObject>()
  readonly #nodes = new Map<string, NodeObject>()
  #facts: ClusterFacts = { nativeSidecars: 'unknown' }
  #namespacesCurrent = false

  /**
   * A namespace made a moment ago may not be here yet: its pods are then judged by what they say themselves. Not so
   * where the picture is not current: it may have been there for long.
   */
  namespace(name: string): NamespaceFacts {
    const found = this.#namespaces.get(name)
    const unlisted = found === undefined && !this.#namespacesCurrent
    return { name, labels: found?.labels, annotations: found?.annotations, ...(unlisted ? { unlisted } : {}) }
  }

  /** Listing or watching them has failed; the next listing makes up for it. */
  namespacesOutdated(): void {
    this.#namespacesCurrent = false
  }

  allNamespaces(): Iterable<NamespaceObject> {
    return this.#namespaces.values()
  }

  facts(): ClusterFacts {
    return this.#facts
  }

  readonly namespaces = {
    replace: (items: readonly NamespaceObject[]) => {
      this.#namespaces.clear()
      for (const item of items) this.#namespaces.set(item.name, item)
      this.#namespacesCurrent = true
    },
    upsert: (item: NamespaceObject) => void this.#namespaces.set(item.name, item),
    remove: (item: NamespaceObject) => void this.#namespaces.delete(item.name),
  }

  readonly nodes = {
    replace: (items: readonly NodeObject[]) => {
      this.#nodes.clear()
      for (const item of items) this.#nodes.set(item.name, item)
      this.#lookAtNodes()
    },
    upsert: (item: NodeObject) => {
      this.#nodes.set(item.name, item)
      this.#lookAtNodes()
    },
    remove: (item: NodeObject) => {
      this.#nodes.delete(item.name)
      this.#lookAtNodes()
    },
  }

  #lookAtNodes(): void {
    const versions = [...this.#nodes.values()].flatMap((node) => (node.kubeletVersion ? [node.kubeletVersion] : []))
    const boots = [...this.#nodes.values()].flatMap((node) => (node.bootId ? [node.bootId] : []))
    this.#facts = { nativeSidecars: nativeEverywhere(versions), sharedKernel: new Set(boots).size < boots.length }
  }
}
