/**
 * Two nodes whose network carries more than the pod's own packets, so that these still fit once they are in the tunnel:
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]         MTU 1600; routes of [web] 1500, but for the sensors'
 *                        |
 *                      uplink, made a NIC that cuts and sums in software
 *                        |
 *                      br0 of node-2 ==== eth0 [sensor-1], [sensor-2]
 */
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { renewRoutes } from '../../lab/network/routes.ts'
import { type OpenPort, openUdpPort } from './netns-sockets.ts'

export class JumboScene {
  readonly lab: Lab
  readonly web: LabPod
  readonly peer: LabPod
  readonly sensors: readonly [LabPod, LabPod]
  readonly #ports: OpenPort[] = []
  readonly #sensorPorts = new Map<LabPod, OpenPort>()

  private constructor(lab: Lab, web: LabPod, peer: LabPod, sensors: readonly [LabPod, LabPod]) {
    this.lab = lab
    this.web = web
    this.peer = peer
    this.sensors = sensors
  }

  static async create(): Promise<JumboScene> {
    const lab = await Lab.create({ nodes: 2, mtu: 1600 })
    const web = await lab.pod('web')
    const peer = await lab.pod('peer')
    const node = lab.nodes[1]!
    const sensors = [await lab.pod('sensor-1', { node }), await lab.pod('sensor-2', { node })] as const
    const off = ['tx-udp_tnl-segmentation', 'off', 'tx-udp_tnl-csum-segmentation', 'off', 'tx-checksumming', 'off']
    await lab.nodes[0]!.namespace.exec(['ethtool', '-K', 'uplink', ...off])
    for (const pod of [web, peer]) await narrow(pod, sensors)
    const scene = new JumboScene(lab, web, peer, sensors)
    // Without a socket there, the sensor's kernel would answer each datagram with an error.
    for (const sensor of sensors) scene.#sensorPorts.set(sensor, openUdpPort(sensor.namespace, 6, 4789))
    return scene
  }

  /** Holds a UDP port of the peer, so that its kernel does not answer datagrams with errors. */
  openAtPeer(port: number): void {
    this.#ports.push(openUdpPort(this.peer.namespace, 6, port))
  }

  /** The sensor's kernel answers each datagram with an error from now on. */
  closeAt(sensor: LabPod): void {
    this.#sensorPorts.get(sensor)?.close()
    this.#sensorPorts.delete(sensor)
  }

  async close(): Promise<void> {
    for (const sensor of this.#sensorPorts.keys()) this.closeAt(sensor)
    for (const port of this.#ports.splice(0)) port.close()
    await this.lab.close()
  }
}

async function narrow(pod: LabPod, wide: readonly LabPod[]): Promise<void> {
  const { address4: gateway4, address6: gateway6 } = pod.node
  await pod.namespace.ip([
    ...renewRoutes(pod, ' mtu 1500'),
    ...wide.flatMap(({ address4, address6 }) => [
      `route add ${address4}/32 via ${gateway4} mtu 1600`,
      `route add ${address6}/128 via ${gateway6} mtu 1600`,
    ]),
  ])
}

/** Everything in a pod that a mirror is made of; counters and times left out. */
export async function mirrorParts(pod: LabPod): Promise<string> {
  const links = await pod.exec(['ip', '-o', '-d', 'link'])
  const qdiscs = await pod.exec(['tc', 'qdisc', 'show'])
  const filters = await Promise.all(
    ['ingress', 'egress'].map((hook) => pod.exec(['tc', 'filter', 'show', 'dev', 'eth0', hook])),
  )
  return [links, qdiscs, ...filters].join('\n')
}
