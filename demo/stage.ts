/** What every run begins with: the cluster, a sensor, and a web server's pod with the tap in it. */
import { join } from 'node:path'
import type { PodWorker } from '../lab/kubelet/pod-worker.ts'
import { DemoCluster } from './cluster.ts'
import type { Display } from './display.ts'
import { namespace, sensorPod, webPod } from './manifests.ts'
import { patchText } from './patch-text.ts'

const patchWidth = 100

export interface Sensor {
  readonly worker: PodWorker
  readonly file: string
}

export interface Stage {
  readonly cluster: DemoCluster
  readonly display: Display
  readonly sensors: Sensor[]
  readonly web: PodWorker
}

/** @param mtu bytes, of the pods' interfaces */
export async function setStage(display: Display, mtu: number): Promise<Stage> {
  let cluster: DemoCluster | undefined
  await display.step('cluster', 'starting the API server, a node and the injector', async () => {
    cluster = await DemoCluster.start(mtu)
    return `API server at ${cluster.api.url}, one node, the injector registered as admission webhook`
  })
  const stage = { cluster: cluster!, display, sensors: [] as Sensor[] }
  await display.step('sensor', 'starting the sensor', async () => {
    const { worker } = await addSensor(stage, 'sensor-1')
    return `pod sensor-1 (${worker.network?.address4}), label run: sensor, runs vxtap receive`
  })
  let web: PodWorker | undefined
  await display.step('pod', 'creating the web server', async () => {
    web = await cluster!.run(webPod())
    return `web (${web.network?.address4}), label vxtap.io/inject: "true", annotation vxtap.io/sensor: sensor`
  })
  showDecision(stage, 'web')
  for (const line of patchText(cluster!.admissionOf('web')?.patch, patchWidth))
    display.item('', display.style('dim', line))
  const sidecar = web!.containers[0]
  if (sidecar?.spec.name !== 'vxtap') throw new Error('the injector did not add the sidecar to the pod web')
  return { ...stage, web: web! }
}

export async function addSensor(stage: Pick<Stage, 'cluster' | 'sensors'>, name: string): Promise<Sensor> {
  const file = join(stage.cluster.directory, `${name}.pcapng`)
  const sensor = { worker: await stage.cluster.run(sensorPod(name, file)), file }
  stage.sensors.push(sensor)
  return sensor
}

/** Begins the deletion of a pod, as `kubectl delete` does; resolves when it is gone. */
export async function deletePod(cluster: DemoCluster, worker: PodWorker): Promise<void> {
  cluster.api.pods.terminate(namespace, worker.name, worker.pod.spec?.terminationGracePeriodSeconds)
  await cluster.kubelet.gone(worker)
}

/** What the injector said about a pod, from the audit annotations of its answer. */
export function showDecision({ cluster, display }: Pick<Stage, 'cluster' | 'display'>, pod: string): void {
  const record = cluster.admissionOf(pod)
  if (record === undefined || record.error !== undefined) {
    throw new Error(`the injector was not asked about the pod ${pod}: ${record?.error ?? 'no webhook call'}`)
  }
  const said = (key: string) => record.auditAnnotations[`${record.webhook}/${key}`] ?? ''
  const outcome = record.patch === undefined ? 'left as it is' : 'patched:'
  display.item('injector', `${pod}: ${said('decision')} (${said('explanation')}), ${display.style('bold', outcome)}`)
}
