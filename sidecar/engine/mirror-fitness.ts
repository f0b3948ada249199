/** Whether ENGINE=kernel can do what is asked of it, and towards which sensor. Pure. */
import { type MirrorRefusal, mirrorRefusal } from '../../contract/mirror-refusals.ts'
import { type SidecarSettings, sidecarSettings } from '../../contract/sidecar-settings.ts'
import { rendezvous } from '../target/choose.ts'
import { seedOf, type Target } from '../target/target.ts'
import { overheadIpv4, overheadIpv6 } from '../tunnel/mtu.ts'

const ethernetHeader = 14

export type SettingsOfFrames = Pick<SidecarSettings, 'snaplen' | 'maxMbps' | 'sampleFlows'>

/** Settings that need each frame in user space. Undefined where there is none. */
export function settingRefusal(settings: SettingsOfFrames): MirrorRefusal | undefined {
  const { snaplen, maxMbps, sampleFlows } = sidecarSettings
  const set = [
    ...(settings.snaplen === 0 ? [] : [`${snaplen.env}=${settings.snaplen}`]),
    ...(settings.maxMbps === 0 ? [] : [`${maxMbps.env}=${settings.maxMbps}`]),
    ...(settings.sampleFlows === 100 ? [] : [`${sampleFlows.env}=${settings.sampleFlows}`]),
  ]
  return set.length === 0 ? undefined : mirrorRefusal('setting', { settings: set.join(' and ') })
}

export type Whereabouts = Pick<SidecarSettings, 'sensor' | 'nodeName' | 'sharedKernel'>

/** Frames are cut and summed by the device at which they leave the node, so that they must leave it. */
export function nodeRefusal({ name, sameNode }: Target, place: Whereabouts): MirrorRefusal | undefined {
  // Where an address or a host name leads, nothing here can tell; the operator says that it is outside.
  if (place.sensor.kind !== 'label') return undefined
  if (place.nodeName === '') return mirrorRefusal('node_unknown', { sensor: name })
  if (sameNode) return mirrorRefusal('same_node', { sensor: name })
  return place.sharedKernel ? mirrorRefusal('shared_kernel', { sensor: name }) : undefined
}

/** @param path MTU of the way to the sensor, @param inner of the pod's own packets; bytes of IP packet */
export function mtuRefusal({ name, family }: Target, path: number, inner: number): MirrorRefusal | undefined {
  const overhead = ethernetHeader + (family === 4 ? overheadIpv4 : overheadIpv6)
  const needed = inner + overhead
  if (path >= needed) return undefined
  return mirrorRefusal('path_mtu', { sensor: name, path, inner, needed, fitting: path - overhead })
}

/** The one sensor that a pod's frames go to: pods spread over sensors, and stay with theirs while it is there. */
export function targetOf(targets: readonly Target[], pod: string): Target | undefined {
  return targets[rendezvous(targets, seedOf(pod))]
}
