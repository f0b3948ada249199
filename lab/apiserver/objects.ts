/** The Kubernetes objects that the embedded API server knows, with the fields that it looks at itself. */

export interface ObjectMeta {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  creationTimestamp?: string | null
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  [field: string]: unknown
}

export interface KubernetesObject {
  apiVersion?: string
  kind?: string
  metadata?: ObjectMeta
  [field: string]: unknown
}

export interface VolumeMount {
  name: string
  mountPath: string
  readOnly?: boolean
  [field: string]: unknown
}

export interface Container {
  name: string
  image?: string
  volumeMounts?: VolumeMount[]
  [field: string]: unknown
}

export interface PodSpec {
  nodeName?: string
  serviceAccountName?: string
  automountServiceAccountToken?: boolean
  hostNetwork?: boolean
  restartPolicy?: string
  containers?: Container[]
  initContainers?: Container[]
  volumes?: { name: string; [field: string]: unknown }[]
  [field: string]: unknown
}

export interface PodStatus {
  phase?: string
  podIP?: string
  podIPs?: { ip: string }[]
  conditions?: { type: string; status: string; [field: string]: unknown }[]
  [field: string]: unknown
}

export interface Pod extends KubernetesObject {
  spec?: PodSpec
  status?: PodStatus
}

/** What the server hands out: the fields that it always sets are there. */
export type Stored<T extends KubernetesObject = KubernetesObject> = T & {
  apiVersion: string
  kind: string
  metadata: ObjectMeta & { name: string; uid: string; resourceVersion: string }
}

/** One kind of object that is served. */
export interface Resource {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  /** Plural, as in the path. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

const core = { group: '', version: 'v1' }
const apps = { group: 'apps', version: 'v1' }
const batch = { group: 'batch', version: 'v1' }

export const resources = {
  pods: { ...core, plural: 'pods', kind: 'Pod', namespaced: true },
  namespaces: { ...core, plural: 'namespaces', kind: 'Namespace', namespaced: false },
  nodes: { ...core, plural: 'nodes', kind: 'Node', namespaced: false },
  events: { ...core, plural: 'events', kind: 'Event', namespaced: true },
  configMaps: { ...core, plural: 'configmaps', kind: 'ConfigMap', namespaced: true },
  secrets: { ...core, plural: 'secrets', kind: 'Secret', namespaced: true },
  newEvents: { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true },
  deployments: { ...apps, plural: 'deployments', kind: 'Deployment', namespaced: true },
  replicaSets: { ...apps, plural: 'replicasets', kind: 'ReplicaSet', namespaced: true },
  statefulSets: { ...apps, plural: 'statefulsets', kind: 'StatefulSet', namespaced: true },
  daemonSets: { ...apps, plural: 'daemonsets', kind: 'DaemonSet', namespaced: true },
  jobs: { ...batch, plural: 'jobs', kind: 'Job', namespaced: true },
  cronJobs: { ...batch, plural: 'cronjobs', kind: 'CronJob', namespaced: true },
  leases: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true },
  policies: {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    plural: 'mutatingadmissionpolicies',
    kind: 'MutatingAdmissionPolicy',
    namespaced: false,
  },
  webhooks: {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    plural: 'mutatingwebhookconfigurations',
    kind: 'MutatingWebhookConfiguration',
    namespaced: false,
  },
} as const satisfies Record<string, Resource>

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

export function resourceFor(group: string, version: string, plural: string): Resource | undefined {
  return Object.values<Resource>(resources).find(
    (resource) => resource.group === group && resource.version === version && resource.plural === plural,
  )
}
