/**
 * How it stands with a pod that is there already: the injector's own decision, made again on the pod as it is now. Pure.
 * `vxtap why`, `vxtap status` and the injector's look at the cluster all ask here.
 */
import { statusKey } from '../../contract/annotations.ts'
import { type BlindSpotCode, describeBlindSpot } from '../../contract/blind-spots.ts'
import { injectionReasons, type ReasonCode } from '../../contract/injection-reasons.ts'
import { printable } from '../../contract/setting.ts'
import { containerName, metricsPortName } from '../container.ts'
import { existingSidecar } from '../existing.ts'
import { elementsAt, type Json, type JsonObject, member, objectAt, textAt } from '../json.ts'
import { type ClusterFacts, type Decision, type InjectionConfig, type NamespaceFacts, plan } from '../plan.ts'
import { tokenVolumeName } from '../token.ts'
import { howToRecreate } from './recreate.ts'
import { unseen } from './unseen.ts'
import { isOlder } from './version.ts'

export interface Sidecar {
  /** Of the injector that put it in; undefined where the pod does not say. */
  readonly version: string | undefined
  readonly image: string
  readonly native: boolean
  /** Where it serves its metrics; undefined where they are turned off. */
  readonly metricsPort: number | undefined
}

export interface Standing {
  /**
   * - `tapped`: has the sidecar
   * - `blind`: asks for a tap, nothing stands against it, and has none
   * - `refused`: asks for a tap and cannot have one, for a reason of the catalogue
   * - `not_asked`: does not ask for one
   */
  readonly tap: 'tapped' | 'blind' | 'refused' | 'not_asked'
  /** Whether it is over, or about to be: then no tap is missing. */
  readonly ended: boolean
  readonly reason: ReasonCode | BlindSpotCode
  readonly sentence: string
  /** What can be done about it, or empty. */
  readonly remedy: string
  readonly sidecar?: Sidecar
  /** What is to be known of a tapped pod besides: the sidecar is old, or would not come back. */
  readonly notes: readonly { readonly code: BlindSpotCode | ReasonCode; readonly text: string }[]
}

/** @param annotationsSeen whether the webhook configuration has an entry for pods' annotations (Kubernetes 1.30) */
export function judgePod(
  pod: JsonObject,
  namespace: NamespaceFacts,
  cluster: ClusterFacts,
  config: InjectionConfig,
  annotationsSeen = true,
): Standing {
  const existing = existingSidecar(pod).kind
  if (existing === 'present' || existing === 'stripped') return tapped(pod, namespace, cluster, config)
  const decision = plan(pod, namespace, cluster, config)
  const ended = hasEnded(pod)
  if (decision.outcome === 'inject') {
    const how = howToRecreate(pod, namespace.name)
    const why = unseen(pod, namespace, annotationsSeen)
    const reason = why === undefined ? 'started_without_injector' : 'unseen_by_webhook'
    return { tap: 'blind', ended, reason, ...describeBlindSpot(reason, { ...why, how }), notes: [] }
  }
  const { reason, sentence, remedy } = decision
  const tap = injectionReasons[reason].warn ? 'refused' : 'not_asked'
  return { tap, ended, reason, sentence, remedy, notes: [] }
}

function tapped(pod: JsonObject, namespace: NamespaceFacts, cluster: ClusterFacts, config: InjectionConfig): Standing {
  const sidecar = sidecarOf(pod)
  const again = plan(withoutSidecar(pod), namespace, cluster, config)
  const { version } = sidecar
  const how = howToRecreate(pod, namespace.name)
  const notes: { code: BlindSpotCode | ReasonCode; text: string }[] = []
  if (version !== undefined && isOlder(version, config.version)) {
    const { sentence, remedy } = describeBlindSpot('older_sidecar', { sidecar: version, injector: config.version, how })
    notes.push({ code: 'older_sidecar', text: `${sentence}; ${remedy}` })
  }
  if (again.outcome === 'skip') notes.push({ code: again.reason, text: notAgain(again) })
  const { reason, sentence } =
    again.outcome === 'inject' ? again : { reason: 'already_injected' as const, sentence: already }
  return { tap: 'tapped', ended: hasEnded(pod), reason, sentence, remedy: '', sidecar, notes }
}

const already = injectionReasons.already_injected.sentence

const notAgain = ({ sentence, remedy }: Decision): string =>
  `created anew, it would not be tapped: ${sentence}${remedy === '' ? '' : `; ${remedy}`}`

// Both are as the pod's author likes: what is printed must not act on a terminal.
const longestVersion = 64
const longestImage = 512

/** The container that is the sidecar, wherever it is. */
export function sidecarOf(pod: JsonObject): Sidecar {
  const among = (list: string): JsonObject | undefined =>
    elementsAt(pod, 'spec', list).find((one) => textAt(one, 'name') === containerName) as JsonObject | undefined
  const first = among('initContainers')
  const container = first ?? among('containers') ?? {}
  const port = elementsAt(container, 'ports').find((one) => textAt(one, 'name') === metricsPortName)
  const number = member(port, 'containerPort')
  const version = textAt(statusOf(pod), 'version')
  return {
    version: version === undefined ? undefined : printable(version, longestVersion),
    image: printable(textAt(container, 'image') ?? '', longestImage),
    native: first !== undefined,
    metricsPort: typeof number === 'number' ? number : undefined,
  }
}

function statusOf(pod: JsonObject): Json {
  try {
    return JSON.parse(textAt(pod, 'metadata', 'annotations', statusKey) ?? 'null') as Json
  } catch {
    return null
  }
}

/** The pod as its author wrote it, as far as that is to be known. */
function withoutSidecar(pod: JsonObject): JsonObject {
  const spec = objectAt(pod, 'spec')
  const without = (list: string, name: string): Json =>
    elementsAt(spec, list).filter((one) => textAt(one, 'name') !== name)
  return {
    ...pod,
    spec: {
      ...spec,
      containers: without('containers', containerName),
      initContainers: without('initContainers', containerName),
      volumes: without('volumes', tokenVolumeName),
    },
  }
}

function hasEnded(pod: JsonObject): boolean {
  const phase = textAt(pod, 'status', 'phase')
  return phase === 'Succeeded' || phase === 'Failed' || textAt(pod, 'metadata', 'deletionTimestamp') !== undefined
}
