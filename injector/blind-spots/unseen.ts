/**
 * Whether what asks for a tap is what the chart's webhook configuration selects by (charts/vxtap/templates/webhook.yaml):
 * labels, and annotations of pods from Kubernetes 1.30 on. What is not never reaches the injector. Pure.
 */
import { injectKey } from '../../contract/annotations.ts'
import { type JsonObject, member, objectAt } from '../json.ts'
import type { NamespaceFacts } from '../plan.ts'

export interface Unseen {
  readonly what: string
  readonly where: string
}

/**
 * Preconditions: something asks for a tap.
 * @param annotationsSeen whether the webhook configuration has an entry for pods' annotations
 */
export function unseen(pod: JsonObject, namespace: NamespaceFacts, annotationsSeen: boolean): Unseen | undefined {
  if (member(objectAt(pod, 'metadata', 'labels'), injectKey) !== undefined) return undefined
  const ofNamespace = member(namespace.labels, injectKey)
  if (ofNamespace !== undefined && ofNamespace !== 'false') return undefined
  if (member(objectAt(pod, 'metadata', 'annotations'), injectKey) === undefined) {
    return { what: 'an annotation of its namespace', where: `the namespace ${namespace.name}` }
  }
  if (annotationsSeen) return undefined
  return { what: 'its annotation, before Kubernetes 1.30,', where: 'the pod (in its template)' }
}
