/** What `vxtap why` is asked about: `pod/web-1`, `deployment/web`, or any other kind that owns pods. Pure. */
import { deploymentOf } from '../injector/blind-spots/recreate.ts'
import { elementsAt, type Json, type JsonObject, member, textAt } from '../injector/json.ts'
import { ownerOf } from '../injector/notice.ts'
import { Problem } from './problem.ts'

interface Known {
  readonly kind: string
  readonly names: readonly string[]
  /** `/apis/apps/v1/namespaces/shop/` goes in front. */
  readonly plural: string
  readonly group: string
}

const known: readonly Known[] = [
  { kind: 'Pod', names: ['pod', 'pods', 'po'], plural: 'pods', group: 'api/v1' },
  { kind: 'Deployment', names: ['deployment', 'deployments', 'deploy'], plural: 'deployments', group: 'apis/apps/v1' },
  { kind: 'ReplicaSet', names: ['replicaset', 'replicasets', 'rs'], plural: 'replicasets', group: 'apis/apps/v1' },
  { kind: 'StatefulSet', names: ['statefulset', 'statefulsets', 'sts'], plural: 'statefulsets', group: 'apis/apps/v1' },
  { kind: 'DaemonSet', names: ['daemonset', 'daemonsets', 'ds'], plural: 'daemonsets', group: 'apis/apps/v1' },
  { kind: 'Job', names: ['job', 'jobs'], plural: 'jobs', group: 'apis/batch/v1' },
  { kind: 'CronJob', names: ['cronjob', 'cronjobs', 'cj'], plural: 'cronjobs', group: 'apis/batch/v1' },
  {
    kind: 'ReplicationController',
    names: ['replicationcontroller', 'replicationcontrollers', 'rc'],
    plural: 'replicationcontrollers',
    group: 'api/v1',
  },
]

export interface Subject {
  /** `Deployment`, or as the user wrote it where it is none of Kubernetes' own. */
  readonly kind: string
  readonly name: string
  /** Where it is read, but for the namespace and the name; undefined for a kind that is not known here. */
  readonly place: { readonly group: string; readonly plural: string } | undefined
}

/** @throws {Problem} for what is no `KIND/NAME`, `KIND NAME` or `NAME` of a pod */
export function subjectOf(words: readonly string[]): Subject {
  const parts = words.flatMap((word) => word.split('/'))
  const [kind, name] = parts.length === 1 ? ['pod', parts[0]] : parts
  if (!kind || !name || parts.length > 2) {
    throw new Problem(
      'usage',
      `${JSON.stringify(words.join(' '))} is not allowed: it must be KIND/NAME, for example deployment/web`,
    )
  }
  const found = known.find(({ names }) => names.includes(kind.toLowerCase()))
  return { kind: found?.kind ?? kind, name, place: found && { group: found.group, plural: found.plural } }
}

export const pathOf = ({ place, name }: Subject, namespace: string): string | undefined =>
  place && `/${place.group}/namespaces/${namespace}/${place.plural}/${name}`

/** As a rule of a Role names it. */
export const resourceOf = ({ place, kind }: Subject): string => {
  const group = place?.group.split('/')[1]
  return place === undefined ? kind : group === 'v1' ? place.plural : `${place.plural}.${group}`
}

/**
 * Whether a pod belongs to it: its controller does, or the controller of that, as a Deployment is of a ReplicaSet.
 * @param jobs names of the Jobs that a CronJob has made
 */
export function belongs(pod: JsonObject, subject: Subject, jobs: ReadonlySet<string>): boolean {
  const owner = ownerOf(pod)
  const kind = textAt(owner, 'kind') ?? ''
  const name = textAt(owner, 'name') ?? ''
  if (subject.kind === 'Deployment') return deploymentOf(pod, kind, name) === subject.name
  if (subject.kind === 'CronJob') return kind === 'Job' && jobs.has(name)
  return kind.toLowerCase() === subject.kind.toLowerCase() && name === subject.name
}

export function jobsOf(jobs: readonly Json[], cronJob: string): ReadonlySet<string> {
  const own = jobs.filter((job) =>
    elementsAt(job, 'metadata', 'ownerReferences').some(
      (owner) => member(owner, 'kind') === 'CronJob' && member(owner, 'name') === cronJob,
    ),
  )
  return new Set(own.map((job) => textAt(job, 'metadata', 'name') ?? ''))
}
