/** Which pods are targets, and which target a flow goes to. Pure. */
import { isIP } from 'node:net'
import type { PodView } from './pod-view.ts'
import { type Cut, mix, seedOf, type Target } from './target.ts'

/** Where this pod is, and what it can send. */
export interface Place {
  readonly nodeName: string
  readonly zone: string
  /** Address families that the pod itself has. */
  readonly families: ReadonlySet<4 | 6>
  /** The pod's own addresses. */
  readonly ownAddresses?: ReadonlySet<string>
  /** Nodes are containers on one machine: what leaves one for another crosses no wire. */
  readonly sharedKernel?: boolean
  /** What is sent must leave the node (ENGINE=kernel): pods on it come last instead of first. */
  readonly elsewhere?: boolean
}

/** Why a pod is not a target; undefined where it is one. */
export type Unfitness =
  | { readonly why: 'phase'; readonly phase: string }
  | { readonly why: 'not-ready' | 'terminating' | 'no-address' }
  | { readonly why: 'family'; readonly family: 4 | 6 }

/**
 * Running, Ready, not terminating, with an address of a family that this pod has. Of those, the ones on the same node;
 * where there are none, in the same zone; else all. Ordered by key, so that every sidecar sees the same order.
 * Where frames must leave the node, those on it only where there are no others.
 */
export function eligibleTargets(pods: Iterable<PodView>, place: Place): Target[] {
  const all = [...pods]
  if (all.some((pod) => isThisPod(pod, place))) return []
  const fit = all.filter((pod) => unfitness(pod, place) === undefined)
  const onNode = fit.filter((pod) => isOnNode(pod, place))
  const away = fit.filter((pod) => !isOnNode(pod, place))
  const farther = inZoneOrAll(away, place)
  const nearest = onNode.length === 0 || (place.elsewhere === true && away.length > 0) ? farther : onNode
  return nearest
    .map((pod) => targetOf(pod, addressFor(pod, place)!, place))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function inZoneOrAll(pods: readonly PodView[], { zone }: Place): readonly PodView[] {
  const inZone = pods.filter((pod) => zone !== '' && pod.zone === zone)
  return inZone.length > 0 ? inZone : pods
}

/**
 * A pod that is a sensor has none: what comes to it is the mirror, and two sensors that mirror each other never end. Of a
 * pod that has ended the address may be another's by now.
 */
export const isThisPod = (pod: PodView, { ownAddresses }: Place): boolean =>
  pod.phase === 'Running' && pod.addresses.some((address) => ownAddresses?.has(address))

export function unfitness(pod: PodView, place: Place): Unfitness | undefined {
  if (pod.terminating) return { why: 'terminating' }
  if (pod.phase !== 'Running') return { why: 'phase', phase: pod.phase }
  if (!pod.ready) return { why: 'not-ready' }
  const families = pod.addresses.map(isIP)
  if (!families.some((family) => family !== 0)) return { why: 'no-address' }
  if (addressFor(pod, place) === undefined) return { why: 'family', family: families.includes(6) ? 6 : 4 }
  return undefined
}

/**
 * Highest random weight (Thaler and Ravishankar, 1998): when a target leaves, its flows spread over the others and no
 * other flow moves. Hot path: no allocation.
 * @param flowHash 32 bits, the same for both directions of a flow
 * @returns index of the target, -1 when there is none
 */
export function rendezvous(targets: readonly Target[], flowHash: number): number {
  let best = -1
  let bestWeight = -1
  for (let index = 0; index < targets.length; index++) {
    // The product keeps flow and seed from cancelling each other out, as a plain XOR of both would.
    const weight = mix(Math.imul(flowHash, 0x9e3779b1) ^ targets[index]!.seed)
    if (weight > bestWeight) {
      best = index
      bestWeight = weight
    }
  }
  return best
}

/** The first address, in the pod's own order, of a family that we have. */
function addressFor(pod: PodView, place: Place): string | undefined {
  return pod.addresses.find((address) => {
    const family = isIP(address)
    return family !== 0 && place.families.has(family as 4 | 6)
  })
}

function targetOf(pod: PodView, address: string, place: Place): Target {
  return {
    key: pod.uid,
    address,
    family: isIP(address) as 4 | 6,
    name: `${pod.namespace}/${pod.name}`,
    sameNode: isOnNode(pod, place),
    cut: cutOf(pod, place),
    seed: seedOf(pod.uid),
  }
}

function isOnNode(pod: PodView, place: Place): boolean {
  return place.nodeName !== '' && pod.nodeName === place.nodeName
}

/** What the sensor says of itself comes first; then where it is. */
function cutOf(pod: PodView, place: Place): Cut {
  if (pod.gso === 'socket' || pod.gso === 'xdp') return pod.gso
  if (pod.gso === 'none') return 'declined'
  if (isOnNode(pod, place)) return 'same-node'
  if (place.nodeName === '' || pod.nodeName === '') return 'unknown'
  return place.sharedKernel === true ? 'shared-kernel' : 'wire'
}
