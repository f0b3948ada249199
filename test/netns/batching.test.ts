/**
 * BATCH=auto: batches of datagrams where they come apart before the sensor, single datagrams where they would not.
 * The scene is drawn in test/support/netns-wire.ts.
 */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { startCapture } from '../../lab/network/capture.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { readCapture } from '../../wire/pcap.ts'
import { type Flows, flowPort, numbersByFlow, sendFlows, wholeFlows } from '../support/netns-flows.ts'
import { ReceivingSensor } from '../support/netns-receive.ts'
import { captureEth0, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop } from '../support/netns-sidecar.ts'
import { openUdpPort } from '../support/netns-sockets.ts'
import { sha256, streamTo } from '../support/netns-tcp.ts'
import { judge } from '../support/netns-tshark.ts'
import { appPort, streamBytes, World } from '../support/netns-wire.ts'

const overhead = { 4: 36, 6: 56 } as const
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

  it('when the sensor captures on a VXLAN device of the kernel on the same node, then batches leave, and the device shows every frame', async () => {
    world = await World.create()
    const { near } = world
    await near.namespace.ip(['link add vxlan0 type vxlan id 1 dstport 4789 dev eth0', 'link set vxlan0 up'])
    await world.cluster.announce(near, { gso: 'socket' })
    const capture = await startCapture(near.namespace, 'vxlan0', '/run/vxlan0.pcapng', `udp port ${flowPort}`)
    const { batches } = await world.mirror(flows)
    expect((await capture.stop()).dropped).toBe(0)
    const frames = readCapture(readFileSync('/run/vxlan0.pcapng')).frames.map(({ data }) => Buffer.from(data))
    expect(batches).toEqual(['gso'])
    expect(numbersByFlow(frames)).toEqual(wholeFlows(flows))
    expect((await judge(frames, [flowPort])).complaints).toEqual([])
  })

  for (const family of [4, 6] as const) {
    it(`when the sensor is on another node (outer IPv${family}), then batches leave, the wire carries single datagrams, and a sniffer sees each with right outer checksums`, async () => {
      world = await World.create()
      await world.cluster.announce(world.far, { family })
      const { packets, datagrams, said } = await expectSniffed(world.far, 'gso', flows, { SOURCE_PORTS: '4' })
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
    const sidecar = await world.tap({ FILTER: `udp port ${flowPort}`, RING_MIB: '1' })
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
