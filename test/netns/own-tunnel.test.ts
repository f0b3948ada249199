/**
 * The tunnel leaves through the interface that is tapped: it must not be mirrored itself, and nothing else may go missing.
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]  sidecar; dumpcap: what there was to mirror
 *                        |                            | VXLAN, fragmented where a full-size frame is inside
 *                        +====== eth0 [sensor] <------+   dumpcap; no socket on 4789, so its kernel answers each
 *                                                         datagram "port unreachable", about which eth0 [web] is told
 *
 * Offloads are off in all three pods, so that what dumpcap writes in the pod is what the wire carries.
 */
import { randomFillSync } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { applicationFrames, captureEth0, isNeighbourTraffic, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop, startSidecar } from '../support/netns-sidecar.ts'
import { connectUdp, type OpenPort, openUdpPort, type UdpSenderOptions } from '../support/netns-sockets.ts'
import { transfer } from '../support/netns-tcp.ts'

const appPort = 33_336
const vni = '5918042'
const vxlan = `080000005a4d5a00`
const unmarked = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('../support/netns-unmarked-sidecar.ts', import.meta.url)),
]

describe('given a pod with real traffic to the sensor itself, and a sensor that refuses port 4789', () => {
  let lab: Lab
  let web: LabPod
  let peer: LabPod
  let sensor: LabPod
  const ports: OpenPort[] = []

  beforeAll(async () => {
    lab = await Lab.create()
    web = await lab.pod('web')
    peer = await lab.pod('peer')
    sensor = await lab.pod('sensor')
    for (const pod of [web, peer, sensor]) await pod.offload({ tx: 'off', tso: 'off', gso: 'off', gro: 'off' })
    // Otherwise one error a second to one address, and the send errors that they cause would be too few to matter.
    await sensor.namespace.sysctl({ 'net/ipv4/icmp_ratelimit': '0', 'net/ipv6/icmp/ratelimit': '0' })
    ports.push(openUdpPort(peer.namespace, 6, appPort))
  })
  afterAll(async () => {
    for (const port of ports) port.close()
    await lab.close()
  })

  function sendUdp(to: string, port: number, sizes: readonly number[], options: UdpSenderOptions = {}): void {
    const sender = connectUdp(web.namespace, to.includes(':') ? 6 : 4, to, port, options)
    for (const size of sizes) sender.send(randomFillSync(Buffer.alloc(size)))
    sender.close()
  }

  async function realTraffic(family: 4 | 6, fragmentsToSensor: boolean): Promise<void> {
    const address = (pod: LabPod) => (family === 4 ? pod.address4 : pod.address6)
    const full = family === 4 ? 1472 : 1452
    // One by one, so that each refusal is back before the next send: the kernel allows itself only so many a second.
    for (let round = 0; round < 20; round++) {
      sendUdp(address(peer), appPort, [64], { localPort: 40_002 })
      await setTimeout(10)
    }
    for (let round = 0; round < 20; round++) {
      // Fragmented tunnel datagrams, unfragmented ones, and fragments of the application's own.
      sendUdp(address(peer), appPort, [full, 1, 100, full, full + 1000])
      // Refused by the sensor's kernel too, and these errors are the application's.
      sendUdp(address(sensor), 5353, [10, 500])
      // The application's own VXLAN, or whatever it speaks on that port.
      sendUdp(address(sensor), 4789, [16, 300, 1000], { localPort: 40_000 })
      if (fragmentsToSensor) sendUdp(address(sensor), 4789, [full + 1000], { localPort: 40_001 })
    }
    for (const to of [sensor, peer]) {
      const plan = { from: web.namespace, to: to.namespace, family, address: address(to), port: appPort, pace: 0 }
      await transfer({ ...plan, bytes: 300_000 })
    }
  }

  for (const family of [4, 6] as const) {
    for (const way of [
      { name: 'by its mark', env: { ENGINE: 'ring' }, exact: true },
      { name: 'by address and port', env: { ENGINE: 'ring' }, program: unmarked, exact: false },
      { name: 'by address and port (ENGINE=pcap)', env: { ENGINE: 'pcap' }, exact: false },
    ]) {
      it(`when the tunnel over IPv${family} is known ${way.name}, then the sensor has each frame once, and none of the tunnel's`, async () => {
        const atSensor = await captureEth0(sensor)
        const env = { ...way.env, SENSOR: family === 4 ? sensor.address4 : sensor.address6, VNI: vni, RING_MIB: '32' }
        const sidecar = await startSidecar(web, { env, ...(way.program ? { program: way.program } : {}) }).ready()
        const atPod = await captureEth0(web)
        // By address, a later fragment towards the sensor is taken for the tunnel's: only a mark tells them apart.
        await realTraffic(family, way.exact)
        const metrics = await sidecar.settled()
        expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
        const onWire = applicationFrames(await atPod.stop(), vxlan)
        const datagrams = tunnelDatagrams(await atSensor.stop()).filter(
          (found) => found.vxlan.toString('hex') === vxlan,
        )
        const counters = countedAtStop(sidecar.said)
        const mirrored = datagrams.map(({ frame }) => frame).filter((frame) => !isNeighbourTraffic(frame))

        const sorted = (frames: readonly Buffer[]) => frames.map((frame) => frame.toString('hex')).sort()
        expect(sorted(mirrored)).toEqual(sorted(onWire))
        expect(onWire.length).toBeGreaterThan(300)
        expect(datagrams.some(({ pieces }) => pieces > 1)).toBe(true)
        expect(counters).toMatchObject({ captured: datagrams.length, sent: datagrams.length, dropped: {} })
        // The refusals were felt, by the engine whose sockets are connected.
        if (way.env.ENGINE === 'ring') {
          expect(metrics.get('vxtap_send_errors_total{errno="ECONNREFUSED"}')).toBeGreaterThan(0)
        }
        expect(sidecar.said.includes('told by address and port, not by mark')).toBe(false)
      })
    }
  }

  it("when rules of the pod's own give each packet another mark, then the tunnel is not mirrored all the same, which would never end", async () => {
    const rules = 'table inet rewrite { chain marks { type filter hook output priority mangle; meta mark set 7; }; }'
    await web.exec(['nft', rules])
    const sidecar = await startSidecar(web, { env: { ENGINE: 'ring', SENSOR: sensor.address4, VNI: vni } }).ready()
    try {
      sendUdp(peer.address4, appPort, [100, 1472])
      // Its own would be back within microseconds, each time longer.
      await setTimeout(500)
      const { captured, sent } = await sidecar.untilMetrics('both', (now) => now.captured >= 2)
      expect(sent).toBe(captured)
      // Neighbours may have been looked for; of a later fragment nobody can tell whose it is, and it makes no other.
      expect(captured).toBeLessThan(20)
    } finally {
      await sidecar.stop()
      await web.exec(['nft', 'delete table inet rewrite'])
    }
  })
})
