/** What discovery keeps of a pod: nothing else of it stays in memory. */
import { annotationPrefix, sensorAnnotations } from '../../contract/annotations.ts'
import type { Values } from '../../contract/setting.ts'

export interface PodView {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** '' until it is scheduled. */
  readonly nodeName: string
  /** Label `topology.kubernetes.io/zone`, '' where it is absent. */
  readonly zone: string
  /** As Kubernetes orders them: the first is the primary one. */
  readonly addresses: readonly string[]
  readonly phase: string
  readonly ready: boolean
  readonly terminating: boolean
  /** Annotation or label `vxtap.io/gso`; '' where it is absent or says nothing that we know. */
  readonly gso: Values<typeof sensorAnnotations>['gso'] | ''
}

type Fields = Readonly<Record<string, unknown>>

/** @returns undefined for what is not a pod with a uid; absent fields become '' or false */
export function podView(object: unknown): PodView | undefined {
  const pod = fields(object)
  const metadata = fields(pod['metadata'])
  const status = fields(pod['status'])
  const uid = text(metadata['uid'])
  if (uid === '') return undefined
  return {
    uid,
    namespace: text(metadata['namespace']),
    name: text(metadata['name']),
    nodeName: text(fields(pod['spec'])['nodeName']),
    zone: text(fields(metadata['labels'])['topology.kubernetes.io/zone']),
    addresses: addressesOf(status),
    phase: text(status['phase']),
    ready: list(status['conditions']).some(
      (condition) => fields(condition)['type'] === 'Ready' && fields(condition)['status'] === 'True',
    ),
    terminating: text(metadata['deletionTimestamp']) !== '',
    gso: gsoOf(fields(metadata['annotations'])) || gsoOf(fields(metadata['labels'])),
  }
}

function gsoOf(said: Fields): PodView['gso'] {
  const { annotation, parse } = sensorAnnotations.gso
  const parsed = parse(text(said[annotationPrefix + annotation]))
  return parsed.ok ? parsed.value : ''
}

/** podIPs where there are any; podIP alone is what servers before dual-stack sent. */
function addressesOf(status: Fields): string[] {
  const several = list(status['podIPs'])
    .map((entry) => text(fields(entry)['ip']))
    .filter((address) => address !== '')
  if (several.length > 0) return several
  const single = text(status['podIP'])
  return single === '' ? [] : [single]
}

export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
