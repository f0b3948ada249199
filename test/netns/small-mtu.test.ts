/**
 * A tunnel through a path that is as small as the pod's own MTU, or smaller.
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]  MTU 1500, sidecar
 *                        |                            | VXLAN: 50 (70 over IPv6) bytes more than the inner IP packet
 *                      uplink, MTU 1500 or 1400       v
 *                      br0 of node-2 ========= eth0 [sensor], dumpcap
 */
import { randomFillSync } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { captureEth0, type TunnelDatagram, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop, type Metrics, startSidecar } from '../support/netns-sidecar.ts'
import { connectUdp, type OpenPort, openUdpPort } from '../support/netns-sockets.ts'
import { sha256, streamTo, tcpSegment, transfer } from '../support/netns-tcp.ts'
import { judge } from '../support/netns-tshark.ts'

const appPort = 33_335
const bytes = 2 << 20
const pace = 20 << 20

describe('given a path to the sensor that cannot carry a full-size frame in one tunnel datagram', () => {
  let lab: Lab
  let web: LabPod
  let peer: LabPod
  let sensor: LabPod
  const ports: OpenPort[] = []

  async function build(uplinkMtu: number): Promise<void> {
    lab = await Lab.create({ nodes: 2, uplinkMtu })
    web = await lab.pod('web')
    peer = await lab.pod('peer')
    sensor = await lab.pod('sensor', { node: lab.nodes[1]! })
    ports.push(openUdpPort(sensor.namespace, 6, 4789), openUdpPort(peer.namespace, 6, appPort))
    if (uplinkMtu === 1500) return
    // As a network plugin tells pods what leaves the node: by the route.
    await web.namespace.ip([
      `route add ${sensor.address4}/32 via ${web.node.address4} mtu ${uplinkMtu}`,
      `route add ${sensor.address6}/128 via ${web.node.address6} mtu ${uplinkMtu}`,
    ])
  }
  afterEach(async () => {
    for (const port of ports.splice(0)) port.close()
    await lab.close()
  })

  async function mirrored(env: Record<string, string>, traffic: () => Promise<unknown>) {
    const capture = await captureEth0(sensor)
    const sidecar = await startSidecar(web, { env }).ready()
    await traffic()
    const metrics: Metrics = await sidecar.settled()
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
    const packets = await capture.stop()
    const datagrams = tunnelDatagrams(packets)
    const counters = countedAtStop(sidecar.said)
    expect(counters).toMatchObject({ captured: datagrams.length, sent: datagrams.length, dropped: {} })
    return { packets, datagrams, metrics, frames: datagrams.map(({ frame }) => frame) }
  }

  function download() {
    return transfer({
      from: web.namespace,
      to: peer.namespace,
      family: 4,
      address: peer.address4,
      port: appPort,
      bytes,
      pace,
    })
  }

  const payloadsOf = (datagrams: readonly TunnelDatagram[]) =>
    datagrams.map(({ frame }) => tcpSegment(frame)?.payload.length ?? 0)

  for (const { uplinkMtu, outer, overhead } of [
    { uplinkMtu: 1500, outer: 4, overhead: 36 },
    { uplinkMtu: 1400, outer: 4, overhead: 36 },
    { uplinkMtu: 1400, outer: 6, overhead: 56 },
  ] as const) {
    it(`when TCP super-frames are cut to fit (SEGMENT=fit) a path of ${uplinkMtu} bytes over IPv${outer}, then none of their segments is fragmented and every byte is there`, async () => {
      await build(uplinkMtu)
      let hash = ''
      const { datagrams, frames, packets, metrics } = await mirrored(
        { SENSOR: outer === 4 ? sensor.address4 : sensor.address6 },
        async () => {
          hash = await download()
        },
      )
      const tcp = datagrams.filter(({ frame }) => tcpSegment(frame) !== undefined)
      expect(sha256(streamTo(appPort, frames, bytes))).toBe(hash)
      // Frames that the pod's TCP sent below its segmentation (none is larger than the MTU) are left as they are.
      const cut = tcp.filter(({ pieces }) => pieces === 1)
      const largest = Math.max(...cut.map(({ frame }) => frame.length))
      expect(largest).toBe(uplinkMtu - overhead)
      expect(tcp.filter(({ pieces, frame }) => pieces > 1 && frame.length <= uplinkMtu - overhead)).toEqual([])
      expect(tcp.filter(({ pieces }) => pieces > 1).length / tcp.length).toBeLessThan(0.05)
      expect(Math.max(...packets.map((packet) => packet.length))).toBeLessThanOrEqual(14 + uplinkMtu)
      expect([...metrics].filter(([name]) => name.startsWith('vxtap_path_mtu_bytes')).map(([, mtu]) => mtu)).toEqual([
        uplinkMtu,
      ])
      expect((await judge(frames, [appPort])).complaints).toEqual([])
    })
  }

  it('when SEGMENT=wire, then segments keep the size that TCP gave them, and full-size ones come in two fragments', async () => {
    await build(1500)
    let hash = ''
    const { datagrams, frames } = await mirrored({ SENSOR: sensor.address4, SEGMENT: 'wire' }, async () => {
      hash = await download()
    })
    expect(sha256(streamTo(appPort, frames, bytes))).toBe(hash)
    // 1500 bytes less IP, TCP and timestamps.
    expect(Math.max(...payloadsOf(datagrams))).toBe(1448)
    const full = datagrams.filter(({ frame }) => frame.length === 1514)
    expect(full.length).toBeGreaterThan((bytes / 1448) * 0.9)
    expect(full.filter(({ pieces }) => pieces !== 2)).toEqual([])
    expect((await judge(frames, [appPort])).complaints).toEqual([])
  })

  for (const uplinkMtu of [1500, 1400]) {
    it(`when the pod sends full-size UDP datagrams and the path has ${uplinkMtu} bytes, then each arrives whole, through fragments of the outer packet`, async () => {
      await build(uplinkMtu)
      const payloads = Array.from({ length: 200 }, () => randomFillSync(Buffer.alloc(1472)))
      const { datagrams, frames } = await mirrored({ SENSOR: sensor.address4 }, async () => {
        const sender = connectUdp(web.namespace, 4, peer.address4, appPort)
        for (const payload of payloads) sender.send(payload)
        sender.close()
      })
      const full = datagrams.filter(({ frame }) => frame.length === 1514)
      expect(full.map(({ frame }) => frame.toString('hex', 42))).toEqual(payloads.map((bytes) => bytes.toString('hex')))
      expect(new Set(full.map(({ pieces }) => pieces))).toEqual(new Set([2]))
      expect((await judge(frames, [appPort])).complaints).toEqual([])
    })
  }
})
