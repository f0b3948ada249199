/** Sensor pods as the tests need them. */
import type { Pod } from '../../../../lab/apiserver/objects.ts'
import type { PodView } from '../../../../sidecar/target/pod-view.ts'

export interface SensorPod {
  readonly name: string
  readonly namespace?: string
  readonly addresses?: readonly string[]
  readonly node?: string
  readonly zone?: string
  readonly phase?: string
  readonly ready?: boolean
  readonly run?: string
  /** Annotation vxtap.io/gso. */
  readonly gso?: string
}

/** As the API server has it; ready and running unless said otherwise. */
export function sensorPod(pod: SensorPod): Pod {
  const addresses = pod.addresses ?? ['10.0.0.1']
  return {
    metadata: {
      name: pod.name,
      namespace: pod.namespace ?? 'sensors',
      labels: {
        run: pod.run ?? 'zeek',
        ...(pod.zone === undefined ? {} : { 'topology.kubernetes.io/zone': pod.zone }),
      },
      ...(pod.gso === undefined ? {} : { annotations: { 'vxtap.io/gso': pod.gso } }),
    },
    spec: { nodeName: pod.node ?? 'node-2', containers: [{ name: 'zeek', image: 'zeek:7' }] },
    status: {
      phase: pod.phase ?? 'Running',
      podIPs: addresses.map((ip) => ({ ip })),
      ...(addresses[0] === undefined ? {} : { podIP: addresses[0] }),
      conditions: [{ type: 'Ready', status: (pod.ready ?? true) ? 'True' : 'False' }],
    },
  }
}

export function view(uid: string, fields: Partial<PodView> = {}): PodView {
  return {
    uid,
    namespace: 'sensors',
    name: uid,
    nodeName: 'node-2',
    zone: '',
    addresses: ['10.0.0.1'],
    phase: 'Running',
    ready: true,
    terminating: false,
    gso: '',
    ...fields,
  }
}
