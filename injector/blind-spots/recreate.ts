/** How a pod is created anew, which is the only way to get a sidecar into it: a command to copy, where there is one. Pure. */
import { type Json, textAt } from '../json.ts'
import { ownerOf } from '../notice.ts'

const restartable: Readonly<Record<string, string>> = { StatefulSet: 'statefulset', DaemonSet: 'daemonset' }

// The API server checks an owner reference's name and kind only for being there (ValidateOwnerReferences in apimachinery
// pkg/api/validation/objectmeta.go), and what we print is for a shell.
const isName = (text: string): boolean => /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text)
const isKind = (text: string): boolean => /^[A-Za-z][A-Za-z0-9]{0,62}$/.test(text)

export function howToRecreate(pod: Json, namespace: string): string {
  const own = textAt(pod, 'metadata', 'name') ?? ''
  const owner = ownerOf(pod)
  const kind = textAt(owner, 'kind') ?? ''
  const name = textAt(owner, 'name') ?? ''
  const kubectl = `kubectl -n ${namespace}`
  if (owner === undefined || !isKind(kind) || !isName(name)) {
    return `delete the pod ${own} and create it again from its manifest`
  }
  const deployment = deploymentOf(pod, kind, name)
  if (deployment !== undefined) return `${kubectl} rollout restart deployment/${deployment}`
  if (Object.hasOwn(restartable, kind)) return `${kubectl} rollout restart ${restartable[kind]}/${name}`
  if (kind === 'Job') return `delete the Job ${name} and create it again, or let it end`
  return `${kubectl} delete pod ${own}, which its ${kind} replaces`
}

/** A Deployment names its ReplicaSets after itself and a hash, which it puts on the pods as a label, too. */
export function deploymentOf(pod: Json, ownerKind: string, ownerName: string): string | undefined {
  const hash = textAt(pod, 'metadata', 'labels', 'pod-template-hash')
  if (ownerKind !== 'ReplicaSet' || !hash || !ownerName.endsWith(`-${hash}`)) return undefined
  return ownerName.slice(0, -hash.length - 1)
}
