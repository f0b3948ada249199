/** Whether a pod can only run on Windows nodes, as far as it says so itself. Pure. */
import { at, elementsAt, type Json, type JsonObject, objectAt, textAt } from './json.ts'

// The first has been stable since Kubernetes 1.14; kubelets still set the second.
const osLabels = ['kubernetes.io/os', 'beta.kubernetes.io/os']

export function isWindows(pod: JsonObject): boolean {
  const nodeSelector = at(pod, 'spec', 'nodeSelector')
  return (
    textAt(pod, 'spec', 'os', 'name') === 'windows' ||
    osLabels.some((label) => textAt(nodeSelector, label) === 'windows') ||
    Object.keys(objectAt(pod, 'spec', 'securityContext', 'windowsOptions')).length > 0 ||
    hasWindowsAffinity(pod)
  )
}

/** The terms are alternatives: each of them must ask for Windows. */
function hasWindowsAffinity(pod: JsonObject): boolean {
  const required = at(pod, 'spec', 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution')
  const terms = elementsAt(required, 'nodeSelectorTerms')
  return terms.length > 0 && terms.every((term) => elementsAt(term, 'matchExpressions').some(asksForWindows))
}

function asksForWindows(expression: Json): boolean {
  const values = elementsAt(expression, 'values')
  return (
    osLabels.includes(textAt(expression, 'key') ?? '') &&
    textAt(expression, 'operator') === 'In' &&
    values.length > 0 &&
    values.every((value) => value === 'windows')
  )
}
