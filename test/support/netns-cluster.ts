/** An API server beside a lab, which tells of sensor pods, and what a sidecar needs to ask it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type ApiServer, startApiServer } from '../../lab/apiserver/server.ts'
import { controlPlane } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'

/** In the sandbox's own /run: /var/run is a link to it. */
const directory = '/run/secrets/kubernetes.io/serviceaccount'
const account = 'shop/web'

export interface Announced {
  /** Value of the annotation vxtap.io/gso; none unless given. */
  readonly gso?: string
  /** The family that sidecars are to reach it by; 4 unless given. */
  readonly family?: 4 | 6
}

export class LabCluster {
  readonly #api: ApiServer

  private constructor(api: ApiServer) {
    this.#api = api
  }

  static async create(): Promise<LabCluster> {
    const api = await startApiServer({ host: controlPlane.address4, namespaces: ['shop', 'sensors'] })
    mkdirSync(directory, { recursive: true })
    writeFileSync(`${directory}/ca.crt`, api.ca)
    writeFileSync(`${directory}/namespace`, 'shop')
    writeFileSync(`${directory}/token`, api.issueToken(account))
    api.grant({ serviceAccount: account, namespace: 'sensors', verbs: ['get', 'list', 'watch'], resource: 'pods' })
    return new LabCluster(api)
  }

  /** Tells of a sensor pod, running and ready, with the label run: zeek. */
  async announce(pod: LabPod, options: Announced = {}): Promise<void> {
    const address = options.family === 6 ? pod.address6 : pod.address4
    await this.#api.pods.create({
      metadata: {
        name: pod.name,
        namespace: 'sensors',
        labels: { run: 'zeek' },
        ...(options.gso === undefined ? {} : { annotations: { 'vxtap.io/gso': options.gso } }),
      },
      spec: { nodeName: pod.node.name, containers: [{ name: 'zeek', image: 'zeek' }] },
    })
    this.#api.pods.setStatus('sensors', pod.name, {
      phase: 'Running',
      podIP: address,
      podIPs: [{ ip: address }],
      conditions: [{ type: 'Ready', status: 'True' }],
    })
  }

  /** Deletes it again. */
  withdraw(pod: LabPod): void {
    this.#api.pods.delete('sensors', pod.name)
  }

  /** What the injector gives the sidecar of a pod. */
  environment(pod: LabPod): Record<string, string> {
    return {
      SENSOR: 'zeek',
      SENSOR_NAMESPACE: 'sensors',
      NODE_NAME: pod.node.name,
      KUBERNETES_SERVICE_HOST: this.#api.host,
      KUBERNETES_SERVICE_PORT: String(this.#api.port),
    }
  }

  async close(): Promise<void> {
    await this.#api.close()
    rmSync(directory, { recursive: true })
  }
}
