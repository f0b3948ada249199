/**
 * The scene of batching: two nodes with a wire between them, a tapped pod, and sensors on either side.
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]  sidecar
 *                     |       \======== eth0 [near], a sensor on the same node
 *                   uplink, made a NIC that cuts (tx-udp-segmentation off) and sums (tx-checksum off) in software
 *                     |
 *                   br0 of node-2 ===== eth0 [far], a sensor across the wire
 */
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { LabCluster } from './netns-cluster.ts'
import { type Flows, flowPort, sendFlows } from './netns-flows.ts'
import { countedAtStop, SidecarProcess } from './netns-sidecar.ts'
import { type OpenPort, openUdpPort } from './netns-sockets.ts'
import { transfer } from './netns-tcp.ts'

export const appPort = 33_341
export const streamBytes = 2 << 20

interface Options {
  /** Of pods and bridges; the application keeps 100 bytes below it, which leaves room for the tunnel. */
  readonly mtu?: number
  readonly uplinkMtu?: number
}

export class World {
  readonly lab: Lab
  readonly cluster: LabCluster
  readonly peer: LabPod
  readonly web: LabPod
  readonly near: LabPod
  readonly far: LabPod
  readonly ports: OpenPort[] = []
  readonly sidecars: SidecarProcess[] = []

  private constructor(lab: Lab, cluster: LabCluster, pods: readonly LabPod[]) {
    this.lab = lab
    this.cluster = cluster
    ;[this.peer, this.web, this.near, this.far] = pods as [LabPod, LabPod, LabPod, LabPod]
    this.ports.push(openUdpPort(this.peer.namespace, 6, flowPort))
  }

  static async create({ mtu = 1600, uplinkMtu = mtu }: Options = {}): Promise<World> {
    const lab = await Lab.create({ nodes: 2, mtu, uplinkMtu })
    const [first, second] = [lab.nodes[0]!, lab.nodes[1]!]
    await first.namespace.exec(['ethtool', '-K', 'uplink', 'tx-udp-segmentation', 'off', 'tx-checksumming', 'off'])
    const pods: LabPod[] = []
    for (const name of ['peer', 'web', 'near']) pods.push(await lab.pod(name))
    const world = new World(lab, await LabCluster.create(), [...pods, await lab.pod('far', { node: second })])
    const { web, peer, far } = world
    await web.namespace.ip([
      `route add ${peer.address4}/32 dev eth0 mtu ${mtu - 100}`,
      `route add ${peer.address6}/128 dev eth0 mtu ${mtu - 100}`,
      // As a network plugin tells pods what leaves the node.
      `route add ${far.address4}/32 via ${first.address4} mtu ${uplinkMtu}`,
      `route add ${far.address6}/128 via ${first.address6} mtu ${uplinkMtu}`,
    ])
    return world
  }

  /** Starts the sidecar; resolves when it captures and knows its sensors. */
  async tap(env: Record<string, string>): Promise<SidecarProcess> {
    const sidecar = new SidecarProcess(this.web, {
      env: {
        ...this.cluster.environment(this.web),
        FILTER: `udp port ${flowPort} or tcp port ${appPort}`,
        RING_MIB: '32',
        ...env,
      },
    })
    this.sidecars.push(sidecar)
    return sidecar.ready()
  }

  /** Mirrors flows of many sizes and a TCP connection to what discovery finds; all is sent when it resolves. */
  async mirror(flows: Flows, env: Record<string, string> = {}) {
    const sidecar = await this.tap(env)
    sendFlows(this.web, this.peer, flows)
    const { web, peer } = this
    const hash = await transfer({
      from: web.namespace,
      to: peer.namespace,
      family: 4,
      address: peer.address4,
      port: appPort,
      bytes: streamBytes,
      pace: 50 << 20,
    })
    const metrics = await sidecar.settled()
    const { text: readyz } = await sidecar.request('/readyz')
    const { code } = await sidecar.stop()
    if (code !== 0) throw new Error(`the sidecar ended with ${code}: ${sidecar.said}`)
    const batches = [...metrics.keys()].flatMap(
      (name) => /^vxtap_target_batch\{.*batch="(\w+)"\}$/.exec(name)?.[1] ?? [],
    )
    return { counters: countedAtStop(sidecar.said), said: sidecar.said, hash, batches, readyz, metrics }
  }

  async close(): Promise<void> {
    await Promise.all(this.sidecars.map((sidecar) => sidecar.stop('SIGKILL')))
    for (const port of this.ports) port.close()
    await this.lab.close()
    await this.cluster.close()
  }
}
