/**
 * The kubelets of a lab, all nodes in one: makes real what the API server says of its pods.
 *
 * A pod gets a network namespace on its node (spec.nodeName, or the first), its containers become processes in it, its
 * status is reported, and when it is deleted it gets its grace period. Containers are not restarted: a lab's container
 * that ends is a finding.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Pod, V1PodStatus } from '@kubernetes/client-node'
import type { Lab } from '../network/lab.ts'
import type { LabNode } from '../network/node.ts'
import type { Images } from './command-line.ts'
import type { ApiAddress } from './environment.ts'
import { PodWorker, type WorkerContext } from './pod-worker.ts'

/** What a kubelet needs of the API server. */
export interface PodApi {
  readonly address: ApiAddress
  /** Tells every pod that is there, and each change of one; the function that comes back ends it. */
  watchPods(tell: (pod: V1Pod) => void): () => void
  /** What a scheduler does: says on which node a pod is. */
  bind(pod: V1Pod, nodeName: string): void
  setStatus(pod: V1Pod, status: V1PodStatus): void
  /** Removes a pod whose containers have ended. */
  remove(pod: V1Pod): void
  /** token, ca.crt and namespace of the pod's service account. */
  accountFiles(pod: V1Pod): Readonly<Record<string, string>>
}

export interface KubeletOptions {
  readonly lab: Lab
  readonly api: PodApi
  readonly images: Images
}

const defaultGraceSeconds = 30
const scheduleWithinMs = 1000

export class Kubelet {
  readonly #options: KubeletOptions
  readonly #workers = new Map<string, PodWorker>()
  readonly #stopping = new Map<string, Promise<void>>()
  readonly #unwatch: () => void

  constructor(options: KubeletOptions) {
    this.#options = options
    this.#unwatch = options.api.watchPods((pod) => this.#see(pod))
  }

  /**
   * A pod's worker once its containers have started and are ready.
   * @throws Error when there is no such pod, or a container ended at its start; the message has its last lines
   */
  async started(name: string, namespace = 'default'): Promise<PodWorker> {
    const find = () =>
      [...this.#workers.values()].find(({ pod }) => pod.metadata?.name === name && pod.metadata.namespace === namespace)
    const deadline = Date.now() + scheduleWithinMs
    while (find() === undefined && Date.now() < deadline) await sleep(2)
    const worker = find()
    if (worker === undefined) throw new Error(`no pod ${namespace}/${name} in this lab`)
    await worker.started
    return worker
  }

  /** Resolves when the pod has ended and is gone. */
  async gone(worker: PodWorker): Promise<void> {
    await this.#stopping.get(worker.pod.metadata?.uid ?? '')
  }

  /** Ends every pod at once. The lab's network stays. */
  async close(): Promise<void> {
    this.#unwatch()
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop(1)))
    this.#workers.clear()
  }

  #see(pod: V1Pod): void {
    const uid = pod.metadata?.uid ?? ''
    const worker = this.#workers.get(uid)
    if (pod.metadata?.deletionTimestamp !== undefined) {
      if (worker !== undefined && !this.#stopping.has(uid)) this.#stopping.set(uid, this.#stop(worker, pod))
    } else if (pod.spec?.nodeName === undefined) {
      // Not within the telling: others have yet to be told of what this changes.
      setImmediate(() => this.#options.api.bind(pod, this.#node(undefined).name))
    } else if (worker === undefined) this.#workers.set(uid, new PodWorker(pod, this.#context(pod)))
  }

  async #stop(worker: PodWorker, pod: V1Pod): Promise<void> {
    const grace = pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds
    await worker.stop(grace ?? defaultGraceSeconds)
    this.#workers.delete(pod.metadata?.uid ?? '')
    this.#options.api.remove(pod)
  }

  #node(name: string | undefined): LabNode {
    const { nodes } = this.#options.lab
    const node = name === undefined ? nodes[0] : nodes.find((candidate) => candidate.name === name)
    if (node === undefined) throw new Error(`the lab has no node ${name ?? 'at all'}`)
    return node
  }

  #context(pod: V1Pod): WorkerContext {
    const { api, images } = this.#options
    return {
      node: this.#node(pod.spec?.nodeName),
      images,
      api: api.address,
      accountFiles: (of) => api.accountFiles(of),
      report: (of, status) => api.setStatus(of, status),
    }
  }
}
