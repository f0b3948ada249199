/**
 * What the injector does with a pod, and why. Pure: the same pod, namespace, cluster and configuration give the same
 * decision, in the webhook as in `vxtap inject`.
 *
 * The first line that matches decides ("label" stands for label, else annotation, vxtap.io/inject):
 *
 *   pod's label  namespace's  otherwise                                      decision
 *   -----------  -----------  ---------------------------------------------  ---------------------------
 *   any          any          mirror of a static pod                         mirror_pod
 *   neither true nor false    any                                            invalid_annotation
 *   "false"      any                                                         opted_out_pod
 *   absent       neither true nor false                                      invalid_annotation
 *   absent       "false"                                                     opted_out_namespace
 *   absent       absent       or the namespace is not known                  not_opted_in
 *   opted in                  namespace is excluded                          excluded_namespace
 *   opted in                  sidecar there, its restartPolicy removed       restart_policy_restored (inject)
 *   opted in                  sidecar there                                  already_injected
 *   opted in                  another container or volume has our name       name_taken
 *   opted in                  hostNetwork                                    host_network
 *   opted in                  Windows                                        windows
 *   opted in                  a setting cannot be understood                 invalid_annotation
 *   opted in                  a setting that pods may not set                override_not_allowed
 *   opted in                  no sensor                                      sensor_missing
 *   opted in                  Pod Security is heeded, namespaces unlisted    namespace_unknown
 *   opted in                  Pod Security forbids NET_RAW, and is heeded    pod_security_forbids_net_raw
 *   opted in                  runs to its end, no native sidecars            job_without_native_sidecars
 *   "true"       any                                                         injected
 *   absent       "true"                                                      injected_by_namespace
 *   absent       no "true"    asked for on the command line                  injected_on_request
 */
import { type InjectionStatus, injectorAnnotations } from '../contract/annotations.ts'
import {
  explain,
  type InjectCode,
  injectionReasons,
  type Parameters,
  type ReasonCode,
  remedy,
  type SkipCode,
} from '../contract/injection-reasons.ts'
import { type ChoiceRules, chooseSettings, chosenValue, sensorOf } from './choose-settings.ts'
import { containerName, sidecarParts } from './container.ts'
import { existingSidecar } from './existing.ts'
import { at, type JsonObject, member, objectAt, textAt } from './json.ts'
import { type Wish, wishOf } from './opt-in.ts'
import { isWindows } from './windows.ts'

/** What is known of the pod's namespace; labels and annotations undefined where nothing is. */
export interface NamespaceFacts {
  readonly name: string
  readonly labels: JsonObject | undefined
  readonly annotations: JsonObject | undefined
  /** The namespaces cannot be listed: nothing is known of this one, however long it has been there. */
  readonly unlisted?: boolean
}

export interface ClusterFacts {
  /** Whether every node's kubelet knows init containers with restartPolicy Always (1.29, KEP-753). */
  readonly nativeSidecars: boolean | 'unknown'
  /** True where nodes are known to be containers on one machine, so that no wire is between them. */
  readonly sharedKernel?: boolean
}

export interface InjectionConfig extends ChoiceRules {
  readonly version: string
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  readonly excludedNamespaces: ReadonlySet<string>
  /** `skip`: leave out pods that Pod Security would then reject; `ignore`: inject anyway. */
  readonly podSecurity: 'skip' | 'ignore'
  /** The level of namespaces that have no label for it. */
  readonly podSecurityDefault: 'privileged' | 'baseline' | 'restricted'
  /** `vxtap inject --all`: pods that say nothing are injected. An opt-out is heeded nevertheless. */
  readonly withoutOptIn: boolean
}

/** What is to be added to the pod. */
export type Injection =
  | {
      readonly kind: 'add'
      readonly container: JsonObject
      readonly native: boolean
      readonly volume: JsonObject | undefined
      readonly status: InjectionStatus
    }
  | { readonly kind: 'restore-restart-policy'; readonly index: number }

interface Explained {
  readonly sentence: string
  /** What can be done about it, or empty. */
  readonly remedy: string
  /** Full sentences for whoever creates the pod, the reason among them where the catalogue says so. */
  readonly warnings: readonly string[]
}

export type Skip = Explained & { readonly outcome: 'skip'; readonly reason: SkipCode }
export type Inject = Explained & {
  readonly outcome: 'inject'
  readonly reason: InjectCode
  readonly injection: Injection
}
export type Decision = Skip | Inject

export function plan(
  pod: JsonObject,
  namespace: NamespaceFacts,
  cluster: ClusterFacts,
  config: InjectionConfig,
): Decision {
  if (at(pod, 'metadata', 'annotations', 'kubernetes.io/config.mirror') !== undefined) return skip('mirror_pod', {})
  const asked = whoAsked(pod, namespace, config)
  if (typeof asked !== 'string') return asked
  return obstacle(pod, namespace, config, cluster) ?? injectionOf(pod, namespace, cluster, config, asked)
}

/** A decision against injecting. */
export function skip<Code extends SkipCode>(code: Code, parameters: Parameters<Code>): Skip {
  return { outcome: 'skip', reason: code, ...explained(code, parameters) }
}

function explained<Code extends ReasonCode>(
  code: Code,
  parameters: Parameters<Code>,
  warnings: readonly string[] = [],
) {
  const sentence = explain(code, parameters)
  const help = remedy(code, parameters)
  const { warn, outcome } = injectionReasons[code]
  const own = `${outcome === 'skip' ? 'not injected: ' : ''}${sentence} (${code})${help ? `; ${help}` : ''}`
  return { sentence, remedy: help, warnings: warn ? [own, ...warnings] : warnings }
}

function whoAsked(pod: JsonObject, namespace: NamespaceFacts, config: InjectionConfig): InjectCode | Skip {
  const ofPod = wishOf(objectAt(pod, 'metadata', 'labels'), objectAt(pod, 'metadata', 'annotations'), 'the pod')
  if (ofPod.kind === 'invalid') return skip('invalid_annotation', { problem: ofPod.problem })
  if (ofPod.kind === 'wish') return ofPod.inject ? 'injected' : skip('opted_out_pod', {})
  return whatNamespaceSays(
    wishOf(namespace.labels, namespace.annotations, `the namespace ${namespace.name}`),
    namespace,
    config,
  )
}

function whatNamespaceSays(wish: Wish, namespace: NamespaceFacts, config: InjectionConfig): InjectCode | Skip {
  if (wish.kind === 'invalid') return skip('invalid_annotation', { problem: wish.problem })
  if (wish.kind === 'none') return config.withoutOptIn ? 'injected_on_request' : skip('not_opted_in', {})
  return wish.inject ? 'injected_by_namespace' : skip('opted_out_namespace', { namespace: namespace.name })
}

/** What stands against injecting this pod, whatever its settings. */
function obstacle(
  pod: JsonObject,
  namespace: NamespaceFacts,
  config: InjectionConfig,
  cluster: ClusterFacts,
): Decision | undefined {
  if (config.excludedNamespaces.has(namespace.name)) return skip('excluded_namespace', { namespace: namespace.name })
  const existing = existingSidecar(pod)
  if (existing.kind === 'stripped' && cluster.nativeSidecars !== false) {
    const injection: Injection = { kind: 'restore-restart-policy', index: existing.index }
    return {
      outcome: 'inject',
      reason: 'restart_policy_restored',
      injection,
      ...explained('restart_policy_restored', {}),
    }
  }
  if (existing.kind === 'present' || existing.kind === 'stripped') return skip('already_injected', {})
  if (existing.kind === 'name-taken') return skip('name_taken', { name: existing.name })
  if (at(pod, 'spec', 'hostNetwork') === true) return skip('host_network', {})
  return isWindows(pod) ? skip('windows', {}) : undefined
}

function injectionOf(
  pod: JsonObject,
  namespace: NamespaceFacts,
  cluster: ClusterFacts,
  config: InjectionConfig,
  reason: InjectCode,
): Decision {
  const chosen = chooseSettings(objectAt(pod, 'metadata', 'annotations'), namespace.annotations, config)
  if (!chosen.ok) {
    return chosen.code === 'invalid_annotation'
      ? skip(chosen.code, { problem: chosen.problem })
      : skip(chosen.code, { what: chosen.what, allow: chosen.allow })
  }
  const { choices } = chosen
  const sensor = choices.get('sensor')?.text
  if (sensor === undefined || sensorOf(choices) === undefined) return skip('sensor_missing', {})
  const image = chosenValue(choices, injectorAnnotations.image)
  if (image === undefined) return skip('internal_error', { cause: 'no image is configured' })
  if (namespace.unlisted && config.podSecurity === 'skip')
    return skip('namespace_unknown', { namespace: namespace.name })
  const forbidden = podSecurityAgainst(namespace, config)
  if (forbidden !== undefined)
    return skip('pod_security_forbids_net_raw', { namespace: namespace.name, level: forbidden })
  const native = nativeOrWhyNot(chosenValue(choices, injectorAnnotations.nativeSidecar) ?? 'auto', cluster)
  if (native !== true && runsToItsEnd(pod)) {
    const restartPolicy = textAt(pod, 'spec', 'restartPolicy') ?? 'Never'
    return skip('job_without_native_sidecars', { restartPolicy, why: native })
  }
  const parts = sidecarParts(pod, choices, {
    image,
    imagePullPolicy: config.imagePullPolicy,
    native: native === true,
    sharedKernel: cluster.sharedKernel === true,
  })
  const volumes = parts.volume ? [textAt(parts.volume, 'name') ?? ''] : []
  const injection: Injection = {
    kind: 'add',
    container: parts.container,
    native: native === true,
    volume: parts.volume,
    status: { version: config.version, container: containerName, native: native === true, sensor, volumes },
  }
  const parameters = { namespace: namespace.name }
  return { outcome: 'inject', reason, injection, ...explained(reason, parameters, parts.warnings) }
}

/**
 * The enforced Pod Security level that forbids NET_RAW, if any: `baseline` and `restricted` do
 * (pod-security-admission policy/check_capabilities_baseline.go), and what is not a level counts as restricted
 * (api/helpers.go).
 */
function podSecurityAgainst(namespace: NamespaceFacts, config: InjectionConfig): string | undefined {
  if (config.podSecurity === 'ignore') return undefined
  const level = member(namespace.labels, 'pod-security.kubernetes.io/enforce') ?? config.podSecurityDefault
  return level === 'privileged' ? undefined : String(level)
}

/**
 * An API server older than 1.29 drops `restartPolicy` from init containers, and the pod would wait for the sidecar to
 * end for ever: without knowledge, `auto` takes the ordinary container.
 */
function nativeOrWhyNot(wish: 'auto' | 'always' | 'never', cluster: ClusterFacts): true | string {
  if (wish === 'always') return true
  if (wish === 'never') return 'vxtap.io/native-sidecar, or its default, is never'
  if (cluster.nativeSidecars === true) return true
  return cluster.nativeSidecars === false
    ? "a node's kubelet is older than 1.29"
    : "the nodes' kubelet versions are not known"
}

/** Pods of Jobs, and others that end: an ordinary sidecar would keep them running for ever. */
function runsToItsEnd(pod: JsonObject): boolean {
  const policy = textAt(pod, 'spec', 'restartPolicy')
  return policy === 'Never' || policy === 'OnFailure'
}
