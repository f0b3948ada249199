/**
 * The environment and the arguments that a kubelet gives to a container: literal values, the downward API, $(NAME)
 * expansion. Pure.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
import type { V1Container, V1Pod } from '@kubernetes/client-node'

/** Where the API server is; every container is told (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/). */
export interface ApiAddress {
  readonly host: string
  readonly port: number
}

/** What is known of the pod when its containers start, besides its manifest. */
export interface PodFacts {
  readonly nodeName: string
  readonly hostIP: string
  /** IPv4 first. */
  readonly podIPs: readonly string[]
}

/** @throws Error naming the variable and the field, for a source that this lab does not have */
export function containerEnvironment(
  container: V1Container,
  pod: V1Pod,
  facts: PodFacts,
  api: ApiAddress,
): Record<string, string> {
  const environment: Record<string, string> = {
    KUBERNETES_SERVICE_HOST: api.host,
    KUBERNETES_SERVICE_PORT: String(api.port),
    HOSTNAME: pod.metadata?.name ?? '',
  }
  if ((container.envFrom ?? []).length > 0)
    throw new Error(`container ${container.name}: envFrom is not supported here`)
  for (const variable of container.env ?? []) {
    const path = variable.valueFrom?.fieldRef?.fieldPath
    if (variable.valueFrom === undefined) environment[variable.name] = expand(variable.value ?? '', environment)
    else if (path !== undefined) environment[variable.name] = fieldValue(path, variable.name, pod, facts)
    else throw new Error(`container ${container.name}: ${variable.name} has a source that is not supported here`)
  }
  return environment
}

/** `$(NAME)` becomes the variable's value where there is one, `$$(NAME)` the text `$(NAME)`. */
export function expand(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)/g, (match, name: string | undefined) =>
    name === undefined ? '$' : (environment[name] ?? match),
  )
}

function fieldValue(path: string, variable: string, pod: V1Pod, facts: PodFacts): string {
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path)
  if (subscript !== null) return pod.metadata?.[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? ''
  const value = simpleFields[path]
  if (value === undefined) throw new Error(`${variable}: the field ${path} is not one of the downward API`)
  return value(pod, facts)
}

const simpleFields: Record<string, (pod: V1Pod, facts: PodFacts) => string> = {
  'metadata.name': (pod) => pod.metadata?.name ?? '',
  'metadata.namespace': (pod) => pod.metadata?.namespace ?? '',
  'metadata.uid': (pod) => pod.metadata?.uid ?? '',
  'spec.nodeName': (_, facts) => facts.nodeName,
  'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? 'default',
  'status.hostIP': (_, facts) => facts.hostIP,
  'status.podIP': (_, facts) => facts.podIPs[0] ?? '',
  'status.podIPs': (_, facts) => facts.podIPs.join(','),
}
