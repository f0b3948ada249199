/**
 * BATCH=auto: batches of datagrams where they come apart before the sensor, single datagrams where they would not.
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]  sidecar
 *                     |       \======== eth0 [near], a sensor on the same node
 *                   uplink, made a NIC that cuts (tx-udp-segmentation off) and sums (tx-checksum off) in software
 *                     |
 *                   br0 of node-2 ===== eth0 [far], a sensor across the wire
 */
import { afterEach, describe, expect, it } from 'vitest'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { LabCluster } from '../support/netns-cluster.ts'
import { type Flows, flowPort, numbersByFlow, sendFlows, wholeFlows } from '../support/netns-flows.ts'
import { ReceivingSensor } from '../support/netns-receive.ts'
import { captureEth0, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop, SidecarProcess } from '../support/netns-sidecar.ts'
import { type OpenPort, openUdpPort } from '../support/netns-sockets.ts'
import { sha256, streamTo, transfer } from '../support/netns-tcp.ts'
import { judge } from '../support/netns-tshark.ts'

const appPort = 33_341
const streamBytes = 2 << 20
const overhead = { 4: 36, 6: 56 } as const

interface Options {
  /** Of pods and bridges; the application keeps 100 bytes below it, which leaves room for the tunnel. */
  readonly mtu?: number
  readonly uplinkMtu?: number
}

class World {
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

  /** Mirrors flows of many sizes and a TCP connection to what discovery finds; all is sent when it resolves. */
  async mirror(flows: Flows, env: Record<string, string> = {}) {
    const sidecar = new SidecarProcess(this.web, {
      env: {
        ...this.cluster.environment(this.web),
        FILTER: `udp port ${flowPort} or tcp port ${appPort}`,
        RING_MIB: '32',
        ...env,
      },
    })
    this.sidecars.push(sidecar)
    await sidecar.ready()
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
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
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

const flows: Flows = { count: 40, each: 60, sizes: [16, 64, 64, 512, 1400, 1472] }

describe('given a sidecar with BATCH=auto', () => {
  let world: World
  afterEach(() => world.close())

  /** What a program that captures packets at the sensor sees: every datagram by itself, right, and in its flow's order. */
  async function expectSniffed(sensor: LabPod, batch: string, sent: Flows, env: Record<string, string> = {}) {
    world.ports.push(openUdpPort(sensor.namespace, 6, 4789))
    const capture = await captureEth0(sensor)
    const result = await world.mirror(sent, env)
    const packets = await capture.stop()
    const datagrams = tunnelDatagrams(packets)
    const frames = datagrams.map(({ frame }) => frame)
    expect(result.batches).toEqual([batch])
    expect(result.readyz).toContain(`, 1 by ${batch};`)
    expect(result.counters).toMatchObject({ captured: frames.length, sent: frames.length, dropped: {} })
    expect(numbersByFlow(frames)).toEqual(wholeFlows(sent))
    expect(sha256(streamTo(appPort, frames, streamBytes))).toBe(result.hash)
    expect((await judge(frames, [flowPort, appPort])).complaints).toEqual([])
    return { ...result, packets, datagrams }
  }

  it('when the sensor is on the same node and may capture packets, then datagrams leave one by one and a sniffer sees each', async () => {
    world = await World.create()
    await world.cluster.announce(world.near)
    const { said } = await expectSniffed(world.near, 'mmsg', flows)
    expect(said).toContain('datagrams for sensors/near leave by mmsg: it is on this node and may capture packets')
  })

  it('when the sensor is on the same node and says that it reads a socket, then batches leave, and the socket gets every datagram, none of them wrong', async () => {
    world = await World.create()
    await world.cluster.announce(world.near, { gso: 'socket' })
    const sensor = await ReceivingSensor.start(world.near)
    const { counters, batches, said } = await world.mirror(flows)
    expect(await sensor.stop()).toMatchObject({ exit: 0, datagrams: counters.sent, faulty: 0, lostAtSocket: 0 })
    expect(batches).toEqual(['gso'])
    expect(counters).toMatchObject({ captured: counters.sent, dropped: {} })
    expect(said).toContain('datagrams for sensors/near leave by gso: it says that it reads a socket')
  })

  for (const family of [4, 6] as const) {
    it(`when the sensor is on another node (outer IPv${family}), then batches leave, the wire carries single datagrams, and a sniffer sees each with right outer checksums`, async () => {
      world = await World.create()
      await world.cluster.announce(world.far, { family })
      const { packets, datagrams, said } = await expectSniffed(world.far, 'gso', flows)
      expect(said).toContain('datagrams for sensors/far leave by gso: it is on another node')
      expect(new Set(datagrams.map((datagram) => datagram.family))).toEqual(new Set([family]))
      expect(new Set(datagrams.map(({ sourcePort }) => sourcePort)).size).toBe(4)
      // Cut and summed in software before the wire: what arrives is complete.
      const outer = packets.filter((packet) => packet.length > 100)
      expect((await judge(outer, [flowPort, appPort])).complaints).toEqual([])
    })
  }

  it('when nodes are containers that share a kernel, then another node is no reason for batches', async () => {
    world = await World.create()
    await world.cluster.announce(world.far)
    await expectSniffed(world.far, 'mmsg', flows, { SHARED_KERNEL: 'true' })
  })

  it('when the path has 9000 bytes, then large datagrams are batched too', async () => {
    world = await World.create({ mtu: 9000 })
    await world.cluster.announce(world.far)
    await expectSniffed(world.far, 'gso', { count: 12, each: 40, sizes: [8000, 8800, 60] })
  })

  for (const family of [4, 6] as const) {
    it(`when the path has fewer bytes than the pod's link (outer IPv${family}), then no batch is made of what does not fit, and all of it arrives`, async () => {
      world = await World.create({ uplinkMtu: 1400 })
      await world.cluster.announce(world.far, { family })
      const { datagrams } = await expectSniffed(world.far, 'gso', flows)
      const fits = 1400 - overhead[family]
      expect(datagrams.filter(({ frame, pieces }) => frame.length <= fits !== (pieces === 1))).toEqual([])
    })
  }

  it('when there is a sensor on this node that captures packets and one that reads a socket, then each gets what is right for it', async () => {
    world = await World.create()
    const socket = await world.lab.pod('socket')
    await world.cluster.announce(world.near)
    await world.cluster.announce(socket, { gso: 'socket' })
    world.ports.push(openUdpPort(world.near.namespace, 6, 4789))
    const capture = await captureEth0(world.near)
    const receiver = await ReceivingSensor.start(socket)
    const { counters, batches, readyz } = await world.mirror(flows)
    const sniffed = tunnelDatagrams(await capture.stop()).map(({ frame }) => frame)
    const received = await receiver.stop()
    expect([...batches].sort()).toEqual(['gso', 'mmsg'])
    expect(readyz).toMatch(/, 1 by (gso|mmsg) and 1 by (gso|mmsg);/)
    expect(received).toMatchObject({ exit: 0, faulty: 0, lostAtSocket: 0 })
    expect(received.datagrams).toBeGreaterThan(0)
    expect(sniffed.length + received.datagrams).toBe(counters.sent)
    for (const numbers of numbersByFlow(sniffed).values())
      expect(numbers).toEqual(wholeFlows({ ...flows, count: 1 }).get(0))
    expect((await judge(sniffed, [flowPort, appPort])).complaints).toEqual([])
  })

  it('when the ring has no room for what comes while the sidecar stands still, then what arrives in batches and what is counted as lost are all', async () => {
    world = await World.create()
    await world.cluster.announce(world.far)
    world.ports.push(openUdpPort(world.far.namespace, 6, 4789))
    const capture = await captureEth0(world.far)
    const env = { ...world.cluster.environment(world.web), FILTER: `udp port ${flowPort}`, RING_MIB: '1' }
    const sidecar = new SidecarProcess(world.web, { env })
    world.sidecars.push(sidecar)
    await sidecar.ready()
    sidecar.child.kill('SIGSTOP')
    const many: Flows = { count: 8, each: 1000, sizes: [64, 1000] }
    sendFlows(world.web, world.peer, many)
    sidecar.child.kill('SIGCONT')
    await sidecar.untilMetrics(
      'all to be accounted for',
      (now) => now.captured === 8000 && now.sent + now.droppedTotal === 8000,
    )
    await sidecar.stop()
    const frames = tunnelDatagrams(await capture.stop()).map(({ frame }) => frame)
    const counters = countedAtStop(sidecar.said)
    expect(counters.dropped).toEqual({ ring_full: 8000 - frames.length })
    expect(counters.sent).toBe(frames.length)
    expect(frames.length).toBeLessThan(8000)
    for (const numbers of numbersByFlow(frames).values())
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
  })
})

describe('given BATCH=gso against better knowledge', () => {
  let world: World
  afterEach(() => world.close())

  it('when the sensor captures packets on the same node, then it sees batches as they left, above the MTU and fewer than were sent', async () => {
    world = await World.create()
    await world.cluster.announce(world.near)
    world.ports.push(openUdpPort(world.near.namespace, 6, 4789))
    const capture = await captureEth0(world.near)
    const { counters } = await world.mirror(flows, { BATCH: 'gso' })
    const packets = await capture.stop()
    const tunnel = packets.filter((packet) => packet.readUInt16BE(12) === 0x0800 && packet.readUInt16BE(36) === 4789)
    expect(counters).toMatchObject({ captured: counters.sent, dropped: {} })
    expect(tunnel.length).toBeLessThan(counters.sent / 2)
    expect(Math.max(...tunnel.map((packet) => packet.length))).toBeGreaterThan(10_000)
  })

  it('when the interface becomes smaller than what is being batched, then the kernel refuses batches, which leave one by one, and nothing is lost', async () => {
    world = await World.create()
    await world.cluster.announce(world.far)
    world.ports.push(openUdpPort(world.far.namespace, 6, 4789))
    const capture = await captureEth0(world.far)
    const sidecar = new SidecarProcess(world.web, {
      env: { ...world.cluster.environment(world.web), FILTER: `udp port ${flowPort}`, BATCH: 'gso' },
    })
    await world.web.namespace.ip([`route delete ${world.far.address4}/32`])
    world.sidecars.push(sidecar)
    await sidecar.ready()
    // The application's datagrams still fit; the tunnel's no longer do. The path's MTU is looked at once a second.
    for (let round = 0; round < 5; round++) {
      await world.web.namespace.ip([`link set eth0 mtu ${round % 2 === 0 ? 1480 : 1600}`])
      sendFlows(world.web, world.peer, { count: 8, each: 50, sizes: [1440] })
    }
    const metrics = await sidecar.settled()
    await sidecar.stop()
    const frames = tunnelDatagrams(await capture.stop()).map(({ frame }) => frame)
    expect(frames).toHaveLength(5 * 8 * 50)
    expect(countedAtStop(sidecar.said)).toMatchObject({ captured: 2000, sent: 2000, dropped: {} })
    const refused = [...metrics].filter(([name]) => name.startsWith('vxtap_batches_refused_total'))
    expect(refused.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(0)
    expect((await judge(frames, [flowPort, appPort])).complaints).toEqual([])
  })
})
