/** Whether the suite may run on a cluster that is there already, and what it has to know of it. Pure. */
import { namespacesOfTheSuite } from './namespaces.ts'

export interface ClusterFacts {
  readonly context: string
  readonly server: string
  /** `v1.31.2`, `v1.30.4-gke.1` */
  readonly version: string
  readonly nodes: readonly NodeObject[]
  readonly namespaces: readonly string[]
  /** Webhook configurations of an installation of vxtap. */
  readonly webhooks: readonly string[]
}

export interface NodeObject {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
  readonly spec: { readonly unschedulable?: boolean; readonly taints?: readonly { readonly effect: string }[] }
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

const hostname = 'kubernetes.io/hostname'

/** Why the suite does not touch this cluster, and what to do; undefined where it does. */
export function refusal({ context, nodes, namespaces, webhooks }: ClusterFacts, image: string): string | undefined {
  if (image === '') {
    return 'IMAGE is not set: name an image of vxtap that the nodes of this cluster can pull, or have (make image builds one)'
  }
  if (webhooks.length > 0) {
    return `vxtap is installed in the cluster of context ${context} (${webhooks.join(', ')}); the suite installs, replaces and removes the chart: choose another context, or remove it`
  }
  const taken = namespacesOfTheSuite.filter((name) => namespaces.includes(name))
  if (taken.length > 0) {
    return `the cluster of context ${context} has namespaces that the suite makes and deletes (${taken.join(', ')}): choose another context, or delete them`
  }
  return usable(nodes).length === 0
    ? `the cluster of context ${context} has no Linux node that pods can be put on`
    : undefined
}

/** What abilities.ts reads. Whatever is known of a cluster of the suite's own is hidden. */
export function environmentOf({ context, version, nodes }: ClusterFacts): Record<string, string> {
  return {
    E2E_CONTEXT: context,
    E2E_NODES: usable(nodes).join(','),
    K8S_VERSION: /^v?(\d+\.\d+(?:\.\d+)?)/.exec(version)?.[1] ?? version,
    NODE_PIDS: '',
    API_SERVER_PID_FILE: '',
  }
}

/** Names, as pods select nodes by them. */
function usable(nodes: readonly NodeObject[]): string[] {
  return nodes.flatMap(({ metadata, spec, status }) => {
    const ready = status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
    const tainted = spec.taints?.some(({ effect }) => effect !== 'PreferNoSchedule')
    const name = metadata.labels?.[hostname]
    const linux = metadata.labels?.['kubernetes.io/os'] === 'linux'
    return ready && linux && !tainted && !spec.unschedulable && name !== undefined ? [name] : []
  })
}
