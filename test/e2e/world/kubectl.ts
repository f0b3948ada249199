/** The cluster as an operator sees it: kubectl, with the kubeconfig that the environment names. */
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../../../lab/network/command.ts'

/** As much of any object as the scenarios read. */
export interface KubeObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly deletionTimestamp?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: Pod['spec']
  readonly status: Pod['status']
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly restartPolicy?: string
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>
    readonly limits?: Readonly<Record<string, string>>
  }
}

export interface ContainerStatus {
  readonly name: string
  readonly ready: boolean
  readonly restartCount: number
  readonly state: Readonly<Record<string, { readonly exitCode?: number; readonly reason?: string }>>
}

interface Pod {
  readonly spec: {
    readonly nodeName?: string
    readonly containers: readonly Container[]
    readonly initContainers?: readonly Container[]
  }
  readonly status: {
    readonly phase?: string
    readonly podIP?: string
    readonly podIPs?: readonly { readonly ip: string }[]
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly lastTransitionTime?: string
    }[]
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
  }
}

/** What takes seconds takes a minute and more where other programs want the processor. */
const defaultSeconds = 100

/** Its address of one family; fails where it has none. */
export function addressOf({ metadata, status }: KubeObject, family: 4 | 6): string {
  const found = addressesOf({ status }).find((address) => isIP(address) === family)
  if (found === undefined) throw new Error(`the pod ${metadata.name} has no IPv${family} address`)
  return found
}

/** All of a pod's addresses, the primary first. */
export const addressesOf = ({ status }: Pick<KubeObject, 'status'>): string[] =>
  (status.podIPs ?? []).map(({ ip }) => ip)

export function kubectl(args: readonly string[], input?: string): Promise<string> {
  return run(['kubectl', ...args], { timeoutMs: 120_000, ...(input === undefined ? {} : { input }) })
}

/** kubectl's output with what it warns of, which it prints on standard error. */
export function kubectlWithWarnings(args: readonly string[], input = ''): Promise<string> {
  return run(['sh', '-c', 'exec kubectl "$@" 2>&1', 'sh', ...args], { timeoutMs: 120_000, input })
}

/** Creates or changes; gives what kubectl says, warnings of admission webhooks included. */
export function apply(...manifests: readonly object[]): Promise<string> {
  // kubectl 1.28 takes several documents as YAML only.
  const all = { apiVersion: 'v1', kind: 'List', items: manifests }
  return kubectlWithWarnings(['apply', '-f', '-'], JSON.stringify(all))
}

export async function getObject<T = KubeObject>(namespace: string, kind: string, name: string): Promise<T> {
  return JSON.parse(await kubectl(['-n', namespace, 'get', kind, name, '-o', 'json'])) as T
}

export async function list<T = KubeObject>(namespace: string, kind: string, selector = ''): Promise<readonly T[]> {
  const answer = await kubectl(['-n', namespace, 'get', kind, '-l', selector, '-o', 'json'])
  return (JSON.parse(answer) as { items: T[] }).items
}

export async function ready(namespace: string, pod: string, seconds = defaultSeconds): Promise<KubeObject> {
  await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', `pod/${pod}`, `--timeout=${seconds}s`])
  return getObject(namespace, 'pod', pod)
}

export async function rolledOut(namespace: string, workload: string, seconds = defaultSeconds): Promise<void> {
  await kubectl(['-n', namespace, 'rollout', 'status', workload, `--timeout=${seconds}s`])
}

/** The output of a program in a container; base64 carries what is not text. */
export function exec(namespace: string, pod: string, container: string, command: readonly string[]): Promise<string> {
  return kubectl(['-n', namespace, 'exec', pod, '-c', container, '--', ...command])
}

export function logs(namespace: string, pod: string, container: string): Promise<string> {
  return kubectl(['-n', namespace, 'logs', pod, '-c', container])
}

/**
 * Asks until the answer is a value.
 * @param what ends the sentence "it never came to be that ..."
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  seconds = defaultSeconds,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`after ${seconds} s it never came to be that ${what}`)
    await sleep(200)
  }
}
