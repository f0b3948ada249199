/**
 * Why a pod was injected or not. A closed catalogue: the code labels the metric and the log line, the sentence is the
 * admission warning and the audit annotation, and each code is a heading of the documentation. Codes are never reused.
 *
 * `warn` says whether whoever creates the pod is told: those who asked for a tap and do not get it are; those who never
 * asked are left alone.
 */
interface Reason {
  readonly outcome: 'inject' | 'skip'
  readonly warn: boolean
  /** `{parameter}` stands for what the decision fills in. */
  readonly sentence: string
  readonly remedy: string
}

export const injectionReasons = {
  injected: {
    outcome: 'inject',
    warn: false,
    sentence: 'the pod opts in',
    remedy: '',
  },
  injected_by_namespace: {
    outcome: 'inject',
    warn: false,
    sentence: 'the namespace {namespace} opts in and the pod does not opt out',
    remedy: '',
  },
  injected_on_request: {
    outcome: 'inject',
    warn: false,
    sentence: 'injection was asked for on the command line',
    remedy: '',
  },
  restart_policy_restored: {
    outcome: 'inject',
    warn: true,
    sentence:
      'another webhook removed restartPolicy from the injected init container, which would have kept the pod from starting; it was put back',
    remedy: 'bring the webhook that does not know native sidecars up to date, or set vxtap.io/native-sidecar to never',
  },
  not_opted_in: {
    outcome: 'skip',
    warn: false,
    sentence: 'neither the pod nor its namespace opts in',
    remedy: 'set the label vxtap.io/inject: "true" on the pod (in its template) or on the namespace',
  },
  opted_out_pod: {
    outcome: 'skip',
    warn: false,
    sentence: 'the pod opts out',
    remedy: 'remove vxtap.io/inject: "false" from the pod',
  },
  opted_out_namespace: {
    outcome: 'skip',
    warn: false,
    sentence: 'the namespace {namespace} opts out and the pod does not opt in',
    remedy: 'set the label vxtap.io/inject: "true" on the pod, or change it on the namespace',
  },
  excluded_namespace: {
    outcome: 'skip',
    warn: true,
    sentence: 'the namespace {namespace} is excluded from injection',
    remedy: "take it out of the injector's EXCLUDED_NAMESPACES, if the operator agrees",
  },
  already_injected: {
    outcome: 'skip',
    warn: false,
    sentence: 'the pod already has the sidecar',
    remedy: '',
  },
  name_taken: {
    outcome: 'skip',
    warn: true,
    sentence: 'the pod has a container or volume named {name} that is not the sidecar',
    remedy: 'rename that container or volume',
  },
  mirror_pod: {
    outcome: 'skip',
    warn: false,
    sentence: 'the pod is the mirror of a static pod, which the API server cannot change',
    remedy: "add the sidecar to the static pod's own manifest with vxtap inject",
  },
  host_network: {
    outcome: 'skip',
    warn: true,
    sentence: "the pod uses the node's network: a tap there would mirror every pod of the node",
    remedy: 'run the pod without hostNetwork',
  },
  windows: {
    outcome: 'skip',
    warn: true,
    sentence: 'the pod runs on Windows, and the sidecar needs Linux',
    remedy: '',
  },
  job_without_native_sidecars: {
    outcome: 'skip',
    warn: true,
    sentence:
      'the pod runs to its end (a Job, or restartPolicy {restartPolicy}) and would never end beside an ordinary sidecar; native sidecars are not used here: {why}',
    remedy:
      'bring every kubelet to 1.29 or later, or set vxtap.io/native-sidecar to always where the cluster has native sidecars',
  },
  namespace_unknown: {
    outcome: 'skip',
    warn: true,
    sentence:
      'the injector cannot list the namespaces, so that it does not know whether {namespace} allows the capability NET_RAW: with the sidecar the pod might be rejected',
    remedy:
      "look into the injector's log for what it needs, or set the injector's POD_SECURITY to ignore where no namespace enforces Pod Security",
  },
  pod_security_forbids_net_raw: {
    outcome: 'skip',
    warn: true,
    sentence:
      'the namespace {namespace} enforces Pod Security level {level}, which forbids the capability NET_RAW: with the sidecar the pod would be rejected',
    remedy:
      "set the namespace's label pod-security.kubernetes.io/enforce to privileged, or the injector's POD_SECURITY to ignore where the pods are exempt",
  },
  invalid_annotation: {
    outcome: 'skip',
    warn: true,
    sentence: '{problem}',
    remedy: 'correct the label or annotation; nothing is guessed',
  },
  override_not_allowed: {
    outcome: 'skip',
    warn: true,
    sentence: 'the operator does not let pods set {what}',
    remedy: "remove the annotation, set it on the namespace, or list {allow} in the injector's allowedOverrides",
  },
  sensor_missing: {
    outcome: 'skip',
    warn: true,
    sentence: 'no sensor is named: neither the pod nor its namespace has vxtap.io/sensor, and there is no default',
    remedy: 'set the annotation vxtap.io/sensor to the <name> of the sensor pods\' label "run: <name>"',
  },
  not_a_pod: {
    outcome: 'skip',
    warn: false,
    sentence: 'the object is not a pod: {what}',
    remedy: 'let the webhook configuration match pods (apiGroup "", version v1) only',
  },
  not_a_creation: {
    outcome: 'skip',
    warn: false,
    sentence: 'the operation is {operation}; containers can be added only when a pod is created',
    remedy: 'let the webhook configuration match the operation CREATE only',
  },
  patch_failed: {
    outcome: 'skip',
    warn: true,
    sentence: 'the change did not apply to this pod, so the pod was left untouched: {cause}',
    remedy: "this is a defect of vxtap; please report it with the pod's manifest",
  },
  bad_request: {
    outcome: 'skip',
    warn: true,
    sentence: 'the request could not be understood: {problem}',
    remedy: '',
  },
  internal_error: {
    outcome: 'skip',
    warn: true,
    sentence: 'the injector failed, so the pod was left untouched: {cause}',
    remedy: "this is a defect of vxtap; please report it with the pod's manifest",
  },
} as const satisfies Record<string, Reason>

type Catalogue = typeof injectionReasons
export type ReasonCode = keyof Catalogue
export type SkipCode = { [Code in ReasonCode]: Catalogue[Code]['outcome'] extends 'skip' ? Code : never }[ReasonCode]
export type InjectCode = Exclude<ReasonCode, SkipCode>

/** Why pods that asked for a tap do not get one. */
export const skipCodesThatWarn: readonly ReasonCode[] = (Object.keys(injectionReasons) as ReasonCode[]).filter(
  (code) => injectionReasons[code].outcome === 'skip' && injectionReasons[code].warn,
)

type Parameter<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Parameter<Rest>
  : never

/** What must be filled in to explain a reason: the names in braces of its sentence and remedy. */
export type Parameters<Code extends ReasonCode> = Readonly<
  Record<Parameter<Catalogue[Code]['sentence']> | Parameter<Catalogue[Code]['remedy']>, string>
>

const fill = (template: string, parameters: Readonly<Record<string, string>>): string =>
  template.replace(/\{(\w+)\}/g, (placeholder, name: string) => parameters[name] ?? placeholder)

/** The sentence of a reason, parameters filled in; no final full stop. */
export function explain<Code extends ReasonCode>(code: Code, parameters: Parameters<Code>): string {
  return fill(injectionReasons[code].sentence, parameters)
}

/** What can be done about it, or empty. */
export function remedy<Code extends ReasonCode>(code: Code, parameters: Parameters<Code>): string {
  return fill(injectionReasons[code].remedy, parameters)
}

/** Where the documentation explains a reason. */
export function reasonAnchor(code: ReasonCode): string {
  return `docs/injection-reasons.md#${code.replaceAll('_', '-')}`
}
