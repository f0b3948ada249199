/** The sentences that discovery says: what was found, or the likely cause why nothing was. Pure. */
import { isThisPod, type Place, unfitness } from './choose.ts'
import type { PodView } from './pod-view.ts'
import type { Target } from './target.ts'

const shown = 3

/** @param namespace '*' for all */
export function explainNone(pods: Iterable<PodView>, place: Place, name: string, namespace: string): string {
  const all = [...pods]
  const where = inNamespace(namespace)
  if (all.length === 0) return `no pod with the label run=${name} ${where}; looking on`
  if (all.some((pod) => isThisPod(pod, place)))
    return `this pod is itself a sensor, with the label run=${name} ${where}: what comes to it is the mirror, and is not mirrored again. Opt it out (vxtap.io/inject: "false")`
  const reasons = all.slice(0, shown).map((pod) => `${pod.namespace}/${pod.name} ${reason(pod, place)}`)
  const more = all.length > shown ? `, and ${all.length - shown} more` : ''
  const found = all.length === 1 ? '1 pod has' : `${all.length} pods have`
  return `${found} the label run=${name} ${where}, but none can be sent to: ${reasons.join(', ')}${more}; looking on`
}

export function explainFound(targets: readonly Target[]): string {
  const names = targets.slice(0, shown).map((target) => `${target.name} (${target.address})`)
  const more = targets.length > shown ? `, and ${targets.length - shown} more` : ''
  const near = targets.every((target) => target.sameNode) ? ' on this node' : ''
  return `sending to ${count(targets.length)}${near}: ${names.join(', ')}${more}`
}

/** @param account `system:serviceaccount:…`, '' where it is not known */
export function explainForbidden(namespace: string, account: string): string {
  const who = account === '' ? "the pod's service account" : account
  return `not allowed to look for the sensor; needs: get, list, watch pods ${inNamespace(namespace)} for ${who}`
}

/** What goes on although the API does not answer. */
export function meanwhile(targets: readonly Target[]): string {
  return targets.length === 0
    ? 'no sensor is known yet; trying on'
    : `going on with the last known ${count(targets.length)}; trying on`
}

function count(sensors: number): string {
  return sensors === 1 ? '1 sensor' : `${sensors} sensors`
}

function inNamespace(namespace: string): string {
  return namespace === '*' ? 'in all namespaces' : `in namespace ${JSON.stringify(namespace)}`
}

function reason(pod: PodView, place: Place): string {
  const unfit = unfitness(pod, place)
  switch (unfit?.why) {
    case 'phase':
      return `is ${unfit.phase === '' ? 'not started' : unfit.phase}`
    case 'not-ready':
      return 'is not Ready'
    case 'terminating':
      return 'is terminating'
    case 'no-address':
      return 'has no address yet'
    case 'family':
      return `has only IPv${unfit.family}, which this pod does not have`
    case undefined:
      return 'is Ready'
  }
}
