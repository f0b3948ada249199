/**
 * BATCH=auto and a sensor that captures packets on the tapped pod's own node, prepared and saying so.
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]  sidecar
 *                        |                            | VXLAN, many datagrams in one
 *                        +-- veth peer that cuts --- eth0 [sensor]  XDP program, then dumpcap
 */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { LabCluster } from '../support/netns-cluster.ts'
import { type Flows, flowPort, numbersByFlow, sendFlows, wholeFlows } from '../support/netns-flows.ts'
import { prepareSensor } from '../support/netns-prepare.ts'
import { captureEth0, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop, SidecarProcess } from '../support/netns-sidecar.ts'
import { type OpenPort, openUdpPort } from '../support/netns-sockets.ts'
import { judge } from '../support/netns-tshark.ts'

/** bpf(2) counts capabilities of the initial user namespace only: an ordinary user's sandbox can prepare nothing. */
const mayLoad = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'))

describe('given a sensor that captures packets on the same node', () => {
  let lab: Lab
  let cluster: LabCluster
  let web: LabPod
  let peer: LabPod
  let sensor: LabPod
  let ports: OpenPort[]

  beforeEach(async () => {
    lab = await Lab.create({ mtu: 1600 })
    cluster = await LabCluster.create()
    web = await lab.pod('web')
    peer = await lab.pod('peer')
    sensor = await lab.pod('sensor')
    ports = [openUdpPort(peer.namespace, 6, flowPort), openUdpPort(sensor.namespace, 6, 4789)]
    return async () => {
      for (const port of ports) port.close()
      await cluster.close()
      await lab.close()
    }
  })

  const sidecars: SidecarProcess[] = []
  afterEach(async () => {
    await Promise.all(sidecars.splice(0).map((sidecar) => sidecar.stop('SIGKILL')))
  })

  async function mirror(flows: Flows) {
    const capture = await captureEth0(sensor)
    const env = { ...cluster.environment(web), FILTER: `udp port ${flowPort}` }
    const sidecar = new SidecarProcess(web, { env })
    sidecars.push(sidecar)
    await sidecar.ready()
    sendFlows(web, peer, flows)
    await sidecar.settled()
    await sidecar.stop()
    const packets = (await capture.stop()).filter((packet) => packet.length > 60)
    return { packets, said: sidecar.said, counters: countedAtStop(sidecar.said) }
  }

  const flows: Flows = { count: 40, each: 60, sizes: [16, 64, 64, 512, 1400] }
  const largest = (packets: readonly Buffer[]) => Math.max(...packets.map(({ length }) => length))

  for (const family of mayLoad ? ([4, 6] as const) : []) {
    it(`when it is prepared and says so (outer IPv${family}), then batches leave, and a sniffer sees each datagram, its frame right and in its flow's order, its outer checksum unfinished`, async () => {
      expect(await prepareSensor(sensor)).toMatchObject({ code: 0 })
      await cluster.announce(sensor, { gso: 'xdp', family })
      const { packets, said, counters } = await mirror(flows)
      const frames = tunnelDatagrams(packets).map(({ frame }) => frame)
      expect(said).toContain('leave by gso: it says that an XDP program on its eth0 has datagrams cut')
      expect(counters).toMatchObject({ captured: frames.length, sent: frames.length, dropped: {} })
      expect(numbersByFlow(frames)).toEqual(wholeFlows(flows))
      expect((await judge(frames, [flowPort])).complaints).toEqual([])
      expect(largest(packets)).toBeLessThanOrEqual(1614)
      // Cut, but not summed: nothing between pods of a node finishes the outer checksum, which batches have over IPv4 too.
      expect((await judge(packets, [4789])).complaints.length).toBeGreaterThan(frames.length * 0.9)
    })
  }

  it('when it says so and is not prepared, then what a sniffer sees is merged: the annotation must not lie', async () => {
    await cluster.announce(sensor, { gso: 'xdp' })
    const { packets, counters } = await mirror(flows)
    expect(packets.length).toBeLessThan(counters.sent / 2)
    expect(largest(packets)).toBeGreaterThan(10_000)
  })
})
