/** For every reason of the catalogue, the pods and circumstances that lead to it. */
import type { ReasonCode } from '../../../contract/injection-reasons.ts'
import type { ClusterView } from '../../../injector/handle.ts'
import type { Json, JsonObject } from '../../../injector/json.ts'
import type { InjectionConfig } from '../../../injector/plan.ts'
import {
  annotated,
  clusterOf,
  modern,
  namespace,
  old,
  optedIn,
  pod,
  unknown,
  unknownNamespace,
  unlistedNamespace,
} from './fixtures.ts'

export interface Case {
  given: string
  reason: ReasonCode
  object: Json
  request?: JsonObject
  cluster?: ClusterView
  config?: Partial<InjectionConfig>
  /** What the sentence must name, so that its reader knows where to look. */
  says?: string
}

const sidecar: JsonObject = { name: 'vxtap', image: 'vxtap:1', args: ['sidecar'], restartPolicy: 'Always' }
const { restartPolicy: _, ...strippedSidecar } = sidecar
const withNamespace = (labels: JsonObject, annotations: JsonObject = {}) =>
  clusterOf(modern, namespace(labels, annotations))

/** One alternative for each list of systems, as DaemonSets and node pools ask for them. */
const osAffinity = (...alternatives: string[][]): JsonObject => {
  const nodeSelectorTerms = alternatives.map((values) => ({
    matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values }],
  }))
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } }
}

export const cases: readonly Case[] = [
  { given: 'a pod with the label', reason: 'injected', object: pod() },
  { given: 'a pod with the annotation', reason: 'injected', object: pod({ annotations: optedIn }) },
  {
    given: 'a pod whose label says true and annotation false',
    reason: 'injected',
    object: pod({ labels: optedIn, annotations: { 'vxtap.io/inject': 'false' } }),
  },
  {
    given: 'a pod in an unknown namespace',
    reason: 'injected',
    object: pod(),
    cluster: clusterOf(unknown, unknownNamespace),
  },
  {
    given: 'a pod with the label in a namespace that opts out',
    reason: 'injected',
    object: pod(),
    cluster: withNamespace({ 'vxtap.io/inject': 'false' }),
  },
  {
    given: 'a namespace with the label',
    reason: 'injected_by_namespace',
    object: pod({}),
    cluster: withNamespace(optedIn),
    says: 'shop',
  },
  {
    given: 'a namespace with the annotation',
    reason: 'injected_by_namespace',
    object: pod({}),
    cluster: withNamespace({}, optedIn),
  },
  { given: '--all', reason: 'injected_on_request', object: pod({}), config: { withoutOptIn: true } },
  { given: 'no word of anybody', reason: 'not_opted_in', object: pod({}) },
  {
    given: 'no word, and an unknown namespace',
    reason: 'not_opted_in',
    object: pod({}),
    cluster: clusterOf(modern, unknownNamespace),
  },
  {
    given: 'a pod that opts out of its namespace',
    reason: 'opted_out_pod',
    object: pod({ labels: { 'vxtap.io/inject': 'false' } }),
    cluster: withNamespace(optedIn),
  },
  {
    given: 'a pod that opts out, and --all',
    reason: 'opted_out_pod',
    object: pod({ annotations: { 'vxtap.io/inject': 'false' } }),
    config: { withoutOptIn: true },
  },
  {
    given: 'a namespace that opts out',
    reason: 'opted_out_namespace',
    object: pod({}),
    cluster: withNamespace({ 'vxtap.io/inject': 'false' }),
  },
  {
    given: 'kube-system',
    reason: 'excluded_namespace',
    object: pod(),
    request: { namespace: 'kube-system' },
    says: 'kube-system',
  },
  {
    given: 'a pod that claims to have been injected',
    reason: 'injected',
    object: annotated({ 'vxtap.io/status': '{"version":"9.9.9","container":"vxtap"}' }),
  },
  {
    given: 'a pod that says of itself, as a sensor, how its datagrams are cut',
    reason: 'injected',
    object: annotated({ 'vxtap.io/gso': 'socket' }),
  },
  { given: 'an injected pod', reason: 'already_injected', object: pod(undefined, { initContainers: [sidecar] }) },
  {
    given: 'an injected pod, ordinary',
    reason: 'already_injected',
    object: pod(undefined, { containers: [{ name: 'a' }, sidecar] }),
  },
  {
    given: 'a stripped sidecar where native sidecars do not exist',
    reason: 'already_injected',
    object: pod(undefined, { initContainers: [strippedSidecar] }),
    cluster: clusterOf(old),
  },
  {
    given: 'a sidecar whose restartPolicy another webhook removed',
    reason: 'restart_policy_restored',
    object: pod(undefined, { initContainers: [{ name: 'first' }, strippedSidecar] }),
  },
  {
    given: "somebody else's container of our name",
    reason: 'name_taken',
    object: pod(undefined, { containers: [{ name: 'vxtap', image: 'x' }] }),
  },
  {
    given: "somebody else's volume of our name",
    reason: 'name_taken',
    object: pod(undefined, { volumes: [{ name: 'vxtap-token' }] }),
    says: 'vxtap-token',
  },
  {
    given: 'the mirror of a static pod',
    reason: 'mirror_pod',
    object: pod({ labels: optedIn, annotations: { 'kubernetes.io/config.mirror': 'x' } }),
  },
  { given: 'hostNetwork', reason: 'host_network', object: pod(undefined, { hostNetwork: true }) },
  { given: 'spec.os windows', reason: 'windows', object: pod(undefined, { os: { name: 'windows' } }) },
  {
    given: 'a Windows node selector',
    reason: 'windows',
    object: pod(undefined, { nodeSelector: { 'kubernetes.io/os': 'windows' } }),
  },
  {
    given: 'options that only Windows has',
    reason: 'windows',
    object: pod(undefined, { securityContext: { windowsOptions: { hostProcess: true } } }),
  },
  {
    given: 'affinity to Windows nodes',
    reason: 'windows',
    object: pod(undefined, osAffinity(['windows'], ['windows'])),
  },
  {
    given: 'affinity to Windows or Linux nodes',
    reason: 'injected',
    object: pod(undefined, osAffinity(['windows'], ['linux'])),
  },
  {
    given: 'affinity to nodes of either system',
    reason: 'injected',
    object: pod(undefined, osAffinity(['windows', 'linux'])),
  },
  {
    given: "a Job's pod on old nodes",
    reason: 'job_without_native_sidecars',
    object: pod(undefined, { restartPolicy: 'OnFailure' }),
    cluster: clusterOf(old),
    says: 'OnFailure',
  },
  {
    given: "a Job's pod where the nodes are not known",
    reason: 'job_without_native_sidecars',
    object: pod(undefined, { restartPolicy: 'Never' }),
    cluster: clusterOf(unknown),
    says: 'not known',
  },
  {
    given: "a Job's pod that declines a native sidecar",
    reason: 'job_without_native_sidecars',
    object: pod({ labels: optedIn, annotations: { 'vxtap.io/native-sidecar': 'never' } }, { restartPolicy: 'Never' }),
  },
  { given: "a Job's pod on modern nodes", reason: 'injected', object: pod(undefined, { restartPolicy: 'Never' }) },
  ...['baseline', 'restricted', 'nonsense'].map(
    (level): Case => ({
      given: `Pod Security ${level}`,
      reason: 'pod_security_forbids_net_raw',
      object: pod(),
      cluster: withNamespace({ 'pod-security.kubernetes.io/enforce': level }),
      says: level,
    }),
  ),
  {
    given: 'a pod with the label, where the namespaces cannot be listed',
    reason: 'namespace_unknown',
    object: pod(),
    cluster: clusterOf(modern, unlistedNamespace),
    says: 'shop',
  },
  {
    given: 'a pod with the label, where the namespaces cannot be listed and the operator ignores Pod Security',
    reason: 'injected',
    object: pod(),
    cluster: clusterOf(modern, unlistedNamespace),
    config: { podSecurity: 'ignore' },
  },
  {
    given: 'Pod Security privileged',
    reason: 'injected',
    object: pod(),
    cluster: withNamespace({ 'pod-security.kubernetes.io/enforce': 'privileged' }),
  },
  {
    given: 'Pod Security baseline, which the operator ignores',
    reason: 'injected',
    object: pod(),
    cluster: withNamespace({ 'pod-security.kubernetes.io/enforce': 'baseline' }),
    config: { podSecurity: 'ignore' },
  },
  {
    given: 'a namespace without a Pod Security label, in a cluster whose default is baseline',
    reason: 'pod_security_forbids_net_raw',
    object: pod(),
    config: { podSecurityDefault: 'baseline' },
    says: 'baseline',
  },
  {
    given: 'Pod Security privileged by label, in a cluster whose default is baseline',
    reason: 'injected',
    object: pod(),
    cluster: withNamespace({ 'pod-security.kubernetes.io/enforce': 'privileged' }),
    config: { podSecurityDefault: 'baseline' },
  },
  {
    given: 'a label that is neither true nor false',
    reason: 'invalid_annotation',
    object: pod({ labels: { 'vxtap.io/inject': 'yes' } }),
    says: '"yes"',
  },
  {
    given: 'a namespace label that is neither',
    reason: 'invalid_annotation',
    object: pod({}),
    cluster: withNamespace({ 'vxtap.io/inject': '1' }),
    says: 'namespace shop',
  },
  {
    given: 'a label that is no text',
    reason: 'invalid_annotation',
    object: pod({ labels: { 'vxtap.io/inject': true } }),
    says: 'not a string',
  },
  {
    given: 'a value out of bounds',
    reason: 'invalid_annotation',
    object: annotated({ 'vxtap.io/vni': '16777216' }),
    says: '16777216',
  },
  {
    given: 'a mistyped name',
    reason: 'invalid_annotation',
    object: annotated({ 'vxtap.io/filer': 'tcp' }),
    says: 'the nearest is vxtap.io/filter',
  },
  {
    given: 'a mistyped name on the namespace',
    reason: 'invalid_annotation',
    object: pod(),
    cluster: withNamespace({}, { 'vxtap.io/nonsense': '' }),
    says: 'namespace',
  },
  {
    given: 'a value that is no text',
    reason: 'invalid_annotation',
    object: annotated({ 'vxtap.io/vni': 7 }),
    says: 'not a string',
  },
  {
    given: 'a sensor outside, chosen by the pod',
    reason: 'override_not_allowed',
    object: annotated({ 'vxtap.io/sensor': '192.0.2.1' }),
    says: 'address or host name',
  },
  {
    given: 'a sensor by host name, chosen by the pod',
    reason: 'override_not_allowed',
    object: annotated({ 'vxtap.io/sensor': 'evil.example.com' }),
  },
  {
    given: 'an image chosen by the pod',
    reason: 'override_not_allowed',
    object: annotated({ 'vxtap.io/image': 'evil:1' }),
    says: 'vxtap.io/image',
  },
  {
    given: 'a sensor outside, which the operator allows',
    reason: 'injected',
    object: annotated({ 'vxtap.io/sensor': '192.0.2.1' }),
    config: { allowedOverrides: new Set(['sensor-address']) },
  },
  {
    given: 'a sensor outside, chosen by the namespace',
    reason: 'injected',
    object: pod(),
    cluster: withNamespace({}, { 'vxtap.io/sensor': '192.0.2.1' }),
  },
  { given: 'no sensor anywhere', reason: 'sensor_missing', object: pod(), config: { defaults: { image: 'vxtap:1' } } },
  {
    given: 'a Deployment',
    reason: 'not_a_pod',
    object: pod(),
    request: { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
    says: 'apps/v1/Deployment',
  },
  {
    given: 'an ephemeral container',
    reason: 'not_a_pod',
    object: pod(),
    request: { subResource: 'ephemeralcontainers' },
  },
  { given: 'an update', reason: 'not_a_creation', object: pod(), request: { operation: 'UPDATE' }, says: 'UPDATE' },
  { given: 'a deletion', reason: 'not_a_creation', object: null, request: { operation: 'DELETE' } },
  { given: 'no object', reason: 'bad_request', object: null },
  {
    given: 'a spec that is a text',
    reason: 'patch_failed',
    object: { metadata: { labels: optedIn }, spec: 'x' },
    says: 'spec',
  },
  { given: 'no image', reason: 'internal_error', object: pod(), config: { defaults: { sensor: 'zeek' } } },
  {
    given: 'a failure of our own',
    reason: 'internal_error',
    object: pod(),
    cluster: {
      namespace: () => {
        throw new Error('broken cache')
      },
      facts: () => modern,
    },
    says: 'broken cache',
  },
]
