/** Pods, reviews and a configuration that the injector's tests start from. */
import { notOverridableByDefault, overridable } from '../../../contract/annotations.ts'
import type { ClusterView } from '../../../injector/handle.ts'
import type { Json, JsonObject } from '../../../injector/json.ts'
import type { ClusterFacts, InjectionConfig, NamespaceFacts } from '../../../injector/plan.ts'

export const config: InjectionConfig = {
  version: '9.9.9',
  defaults: { image: 'example.com/vxtap:9.9.9', sensor: 'zeek' },
  allowedOverrides: new Set(overridable.filter((name) => !notOverridableByDefault.includes(name))),
  imagePullPolicy: 'IfNotPresent',
  excludedNamespaces: new Set(['kube-system']),
  podSecurity: 'skip',
  podSecurityDefault: 'privileged',
  withoutOptIn: false,
}

export const modern: ClusterFacts = { nativeSidecars: true }
export const old: ClusterFacts = { nativeSidecars: false }
export const unknown: ClusterFacts = { nativeSidecars: 'unknown' }

export const namespace = (labels: JsonObject = {}, annotations: JsonObject = {}, name = 'shop'): NamespaceFacts => ({
  name,
  labels,
  annotations,
})

export const unknownNamespace: NamespaceFacts = { name: 'shop', labels: undefined, annotations: undefined }

/** Of injectors that cannot list the namespaces. */
export const unlistedNamespace: NamespaceFacts = { ...unknownNamespace, unlisted: true }

export const optedIn: JsonObject = { 'vxtap.io/inject': 'true' }

/** A pod as the API server shows it: with its service account's token mounted. */
export function pod(metadata: JsonObject = { labels: optedIn }, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', ...metadata },
    spec: {
      containers: [{ name: 'web', image: 'web:1', volumeMounts: [tokenMount] }],
      volumes: [{ name: 'kube-api-access-x7k2p', projected: { sources: [] } }],
      ...spec,
    },
  }
}

export const tokenMount: JsonObject = {
  name: 'kube-api-access-x7k2p',
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  readOnly: true,
}

export const annotated = (annotations: JsonObject): JsonObject => pod({ labels: optedIn, annotations })

export function review(object: Json, request: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace: 'shop',
      dryRun: false,
      object,
      ...request,
    },
  }
}

export const clusterOf = (facts: ClusterFacts, of: NamespaceFacts = namespace()): ClusterView => ({
  namespace: (name) => ({ ...of, name }),
  facts: () => facts,
})
