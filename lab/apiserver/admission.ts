/**
 * The way of a new pod through mutating admission: defaults, the ServiceAccount plugin, then the matching webhooks one
 * after the other (k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go).
 * matchConditions are not evaluated: they count as true.
 */
import type { User } from './access.ts'
import { type KubernetesObject, type Pod, resources } from './objects.ts'
import { jsonPatched } from './patch.ts'
import { withDefaults, withServiceAccount } from './pod-defaults.ts'
import { type LabelSelector, labelSelector } from './selector.ts'
import { internalError, StatusError } from './status.ts'
import type { Store } from './store.ts'
import { type AdmissionAnswer, callWebhook, type ServiceResolver, type WebhookClientConfig } from './webhook-call.ts'

export interface Webhook {
  name: string
  clientConfig: WebhookClientConfig
  rules?: { apiGroups?: string[]; apiVersions?: string[]; operations?: string[]; resources?: string[] }[]
  namespaceSelector?: LabelSelector
  objectSelector?: LabelSelector
  /** Default Fail. */
  failurePolicy?: string
  /** Default 10. */
  timeoutSeconds?: number
  /** Default Never. */
  reinvocationPolicy?: string
  [field: string]: unknown
}

export interface WebhookConfiguration extends KubernetesObject {
  webhooks?: Webhook[]
}

/** What became of one call, for tests and for the demonstration's output. */
export interface AdmissionRecord {
  readonly webhook: string
  readonly namespace: string
  readonly pod: string
  readonly durationMs: number
  readonly reinvocation: boolean
  /** Keys carry the prefix `webhookName/`, as in the audit log. */
  readonly auditAnnotations: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
  readonly allowed: boolean
  /** The JSON Patch, where there was one. */
  readonly patch?: unknown
  /** Why the call failed. */
  readonly error?: string
}

export interface Admitted {
  readonly pod: Pod
  readonly warnings: readonly string[]
}

export class Admission {
  readonly records: AdmissionRecord[] = []
  readonly #store: Store
  readonly #resolveService: ServiceResolver

  constructor(store: Store, resolveService: ServiceResolver) {
    this.#store = store
    this.#resolveService = resolveService
  }

  /** @throws {StatusError} where a webhook denies, or one with failurePolicy Fail cannot be asked */
  async admit(original: Pod, namespace: string, user: User, dryRun: boolean): Promise<Admitted> {
    const warnings: string[] = []
    const context = { namespace, user, dryRun, warnings }
    let pod = withServiceAccount(withDefaults(original))
    const asked: { webhook: Webhook; left: Pod }[] = []
    for (const webhook of this.#webhooks()) {
      if (!this.#matches(webhook, pod, namespace)) continue
      pod = await this.#ask(webhook, pod, context, false)
      asked.push({ webhook, left: pod })
    }
    // One more round, for those that want it and whose work another has changed since.
    for (const { webhook, left } of asked) {
      if (webhook.reinvocationPolicy !== 'IfNeeded' || left === pod) continue
      if (this.#matches(webhook, pod, namespace)) pod = await this.#ask(webhook, pod, context, true)
    }
    return { pod: withDefaults(pod), warnings }
  }

  #webhooks(): Webhook[] {
    return this.#store
      .list(resources.webhooks)
      .flatMap((configuration) => (configuration as WebhookConfiguration).webhooks ?? [])
  }

  #matches(webhook: Webhook, pod: Pod, namespace: string): boolean {
    const has = (list: string[] | undefined, ...names: string[]): boolean =>
      list?.some((item) => item === '*' || names.includes(item)) ?? false
    const ruled = webhook.rules?.some(
      (rule) =>
        has(rule.apiGroups, '') &&
        has(rule.apiVersions, 'v1') &&
        has(rule.operations, 'CREATE') &&
        has(rule.resources, 'pods', '*/*', 'pods/*'),
    )
    const labels = this.#store.find(resources.namespaces, '', namespace)?.metadata.labels ?? {}
    return (
      ruled === true &&
      labelSelector(webhook.namespaceSelector)(labels) &&
      labelSelector(webhook.objectSelector)(pod.metadata?.labels ?? {})
    )
  }

  /** @returns the same pod where the webhook changed nothing */
  async #ask(webhook: Webhook, pod: Pod, context: Context, reinvocation: boolean): Promise<Pod> {
    const started = performance.now()
    const record = (answer: Partial<AdmissionAnswer>, error?: string): void => {
      const prefixed = Object.entries(answer.auditAnnotations ?? {}).map(([key, value]) => [
        `${webhook.name}/${key}`,
        value,
      ])
      this.records.push({
        webhook: webhook.name,
        namespace: context.namespace,
        pod: pod.metadata?.name ?? `${pod.metadata?.generateName ?? ''}*`,
        durationMs: performance.now() - started,
        reinvocation,
        auditAnnotations: Object.fromEntries(prefixed) as Record<string, string>,
        warnings: answer.warnings ?? [],
        allowed: answer.allowed ?? true,
        ...(answer.patch === undefined ? {} : { patch: answer.patch }),
        ...(error === undefined ? {} : { error }),
      })
    }
    let answer: AdmissionAnswer
    try {
      const request = requestFor(pod, context)
      answer = await callWebhook(webhook.clientConfig, request, webhook.timeoutSeconds ?? 10, this.#resolveService)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      record({}, why)
      if (webhook.failurePolicy === 'Ignore') return pod
      throw internalError(`failed calling webhook "${webhook.name}": failed to call webhook: ${why}`)
    }
    record(answer)
    context.warnings.push(...answer.warnings)
    if (!answer.allowed) throw denied(webhook, answer)
    return answer.patch === undefined ? pod : applied(pod, answer.patch)
  }
}

interface Context {
  readonly namespace: string
  readonly user: User
  readonly dryRun: boolean
  readonly warnings: string[]
}

function requestFor(pod: Pod, { namespace, user, dryRun }: Context): Record<string, unknown> {
  const kind = { group: '', version: 'v1', kind: 'Pod' }
  const resource = { group: '', version: 'v1', resource: 'pods' }
  const name = pod.metadata?.name
  return {
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    // Absent for a pod with generateName: its name is made after admission.
    ...(name === undefined || name === '' ? {} : { name }),
    namespace,
    operation: 'CREATE',
    userInfo: { username: user.username, groups: user.groups },
    object: { kind: 'Pod', apiVersion: 'v1', ...pod },
    oldObject: null,
    dryRun,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
  }
}

/** A patch that can be read but not applied rejects the pod, whatever the failure policy says. */
function applied(pod: Pod, patch: unknown): Pod {
  try {
    return withServiceAccount(withDefaults(jsonPatched(pod, patch)))
  } catch (error) {
    throw internalError(error instanceof Error ? error.message : String(error))
  }
}

function denied(webhook: Webhook, { status }: AdmissionAnswer): StatusError {
  const because = status?.message === undefined ? ' without explanation' : `: ${status.message}`
  const message = `admission webhook "${webhook.name}" denied the request${because}`
  return new StatusError(status?.code ?? 400, status?.reason ?? 'BadRequest', message)
}
