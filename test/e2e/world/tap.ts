/** What the tap of a pod looks like from outside. */
import type { InjectionStatus } from '../../../contract/annotations.ts'
import { type Counters, parseCounters } from '../../../demo/evidence.ts'
import { run } from '../../../lab/network/command.ts'
import { type Container, eventually, exec, type KubeObject, logs } from './kubectl.ts'

/** The sidecar of a pod, wherever it is. */
export function sidecarOf({ spec }: KubeObject): Container | undefined {
  return [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === 'vxtap')
}

/** How often the sidecar was started again. */
export function restartsOf({ status }: KubeObject): number | undefined {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  return all.find(({ name }) => name === 'vxtap')?.restartCount
}

export function statusOf({ metadata }: KubeObject): InjectionStatus | undefined {
  const text = metadata.annotations?.['vxtap.io/status']
  return text === undefined ? undefined : (JSON.parse(text) as InjectionStatus)
}

export const metricsPort = 14789

const get = (path: string): string => `
fetch('http://127.0.0.1:${metricsPort}${path}', { signal: AbortSignal.timeout(3000) })
  .then(async (response) => console.log(JSON.stringify({ status: response.status, text: await response.text() })))
`

/**
 * Asks the sidecar's HTTP server, from the application's container: over loopback it costs the sidecar's control group
 * nothing and eth0 no frame, and it works where pods cannot be reached from here.
 */
export async function ask(pod: KubeObject, path: string): Promise<{ status: number; text: string }> {
  const { namespace = '', name } = pod.metadata
  const beside = pod.spec.containers.find((container) => container.name !== 'vxtap')?.name ?? ''
  return JSON.parse(await exec(namespace, name, beside, ['node', '-e', get(path)]))
}

export async function counters(pod: KubeObject): Promise<Counters> {
  return parseCounters((await ask(pod, '/metrics')).text)
}

/** Waits until the last that the sidecar says of its sensors has this address. */
export function sendsTo(namespace: string, pod: string, address: string): Promise<string> {
  return eventually(`${pod} sends to ${address}`, async () => {
    const lines = (await logs(namespace, pod, 'vxtap')).split('\n')
    return lines.findLast((line) => line.includes('sending to'))?.includes(`(${address})`) ? address : undefined
  })
}

/** Nanoseconds of CPU and bytes of memory that the kubelet reports of a container. */
export async function usage(pod: KubeObject, container: string): Promise<{ cpuSeconds: number; memoryBytes: number }> {
  const text = await run(['kubectl', 'get', '--raw', `/api/v1/nodes/${pod.spec.nodeName}/proxy/stats/summary`], {
    timeoutMs: 20_000,
  })
  const summary = JSON.parse(text) as Summary
  const found = summary.pods
    .find(({ podRef }) => podRef.uid === pod.metadata.uid)
    ?.containers.find(({ name }) => name === container)
  return {
    cpuSeconds: (found?.cpu?.usageCoreNanoSeconds ?? Number.NaN) / 1e9,
    memoryBytes: found?.memory?.workingSetBytes ?? Number.NaN,
  }
}

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly uid: string }
    readonly containers: readonly {
      readonly name: string
      readonly cpu?: { readonly usageCoreNanoSeconds?: number }
      readonly memory?: { readonly workingSetBytes?: number }
    }[]
  }[]
}
