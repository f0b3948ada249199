/** How a pod is created anew, which is the only way to get a sidecar into it: a command to copy, where there is one. Pure. */
import { type Json, textAt } from '../json.ts'
import { ownerOf } from '../notice.ts'

const restartable: Readonly<Record<string, string>> = { StatefulSet: 'statefulset', DaemonSet: 'daemonset' }

export function howToRecreate(pod: Json, namespace: string): string {
  const owner = ownerOf(pod)
  const kind = textAt(owner, 'kind')
  const name = textAt(owner, 'name') ?? ''
  const kubectl = `kubectl -n ${namespace}`
  const deployment = deploymentOf(pod, kind, name)
  if (deployment !== undefined) return `${kubectl} rollout restart deployment/${deployment}`
  if (kind !== undefined && Object.hasOwn(restartable, kind)) {
    return `${kubectl} rollout restart ${restartable[kind]}/${name}`
  }
  if (kind === 'Job') return `delete the Job ${name} and create it again, or let it end`
  const own = textAt(pod, 'metadata', 'name') ?? ''
  if (kind === undefined) return `delete the pod ${own} and create it again from its manifest`
  return `${kubectl} delete pod ${own}, which its ${kind} replaces`
}

/** A Deployment names its ReplicaSets after itself and a hash, which it puts on the pods as a label, too. */
export function deploymentOf(pod: Json, ownerKind: string | undefined, ownerName: string): string | undefined {
  const hash = textAt(pod, 'metadata', 'labels', 'pod-template-hash')
  if (ownerKind !== 'ReplicaSet' || !hash || !ownerName.endsWith(`-${hash}`)) return undefined
  return ownerName.slice(0, -hash.length - 1)
}
