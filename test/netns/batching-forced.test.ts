/**
 * BATCH=gso where nothing asked whether it is right: what a sniffer on the same node then sees, and what becomes of
 * batches that the kernel refuses. The scene is drawn in test/support/netns-wire.ts.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { type Flows, flowPort, numbersByFlow, sendFlows, wholeFlows } from '../support/netns-flows.ts'
import { refuseBatches } from '../support/netns-foreign-sockets.ts'
import { captureEth0, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop } from '../support/netns-sidecar.ts'
import { openUdpPort } from '../support/netns-sockets.ts'
import { judge } from '../support/netns-tshark.ts'
import { appPort, World } from '../support/netns-wire.ts'

const flows: Flows = { count: 40, each: 60, sizes: [16, 64, 64, 512, 1400, 1472] }

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

  it('when the kernel refuses batches from one moment on, then their datagrams and all later ones leave one by one, and nothing is lost, repeated or out of order', async () => {
    world = await World.create()
    await world.cluster.announce(world.far)
    world.ports.push(openUdpPort(world.far.namespace, 6, 4789))
    const capture = await captureEth0(world.far)
    const sidecar = await world.tap({ FILTER: `udp port ${flowPort}`, BATCH: 'gso' })
    sendFlows(world.web, world.peer, flows)
    await sidecar.settled()
    refuseBatches(sidecar.child.pid!)
    sendFlows(world.web, world.peer, { ...flows, first: flows.each })
    const metrics = await sidecar.settled()
    await sidecar.stop()
    const frames = tunnelDatagrams(await capture.stop()).map(({ frame }) => frame)
    const both: Flows = { ...flows, each: 2 * flows.each }
    expect(numbersByFlow(frames)).toEqual(wholeFlows(both))
    expect(countedAtStop(sidecar.said)).toMatchObject({ captured: frames.length, sent: frames.length, dropped: {} })
    expect(metrics.get('vxtap_batches_refused_total{errno="EINVAL"}')).toBeGreaterThan(0)
    expect(metrics.get('vxtap_target_batch{sensor="sensors/far",batch="mmsg"}')).toBe(1)
    const sentence = 'datagrams for sensors/far leave by mmsg from now on: the kernel refuses batches of them (EINVAL)'
    expect(sidecar.said.split(sentence)).toHaveLength(2)
  })

  it('when the interface becomes smaller than what is being batched, then the kernel refuses batches, which leave one by one, and nothing is lost', async () => {
    world = await World.create()
    await world.cluster.announce(world.far)
    world.ports.push(openUdpPort(world.far.namespace, 6, 4789))
    const capture = await captureEth0(world.far)
    await world.web.namespace.ip([`route delete ${world.far.address4}/32`])
    const sidecar = await world.tap({ FILTER: `udp port ${flowPort}`, BATCH: 'gso' })
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
