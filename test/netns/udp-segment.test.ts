/**
 * A sender that hands the kernel many datagrams at once (UDP_SEGMENT, as QUIC servers do): eth0 carries super-frames.
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]  sidecar
 *                        |                            | VXLAN
 *                        +====== eth0 [sensor] <------+   dumpcap
 */
import { randomFillSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { captureEth0, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop, startSidecar } from '../support/netns-sidecar.ts'
import { connectUdp, type OpenPort, openUdpPort } from '../support/netns-sockets.ts'
import { judge } from '../support/netns-tshark.ts'

const appPort = 33_334
const sends = 20

describe('given a pod that sends UDP with UDP_SEGMENT', () => {
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
    ports.push(openUdpPort(sensor.namespace, 6, 4789), openUdpPort(peer.namespace, 6, appPort))
  })
  afterAll(async () => {
    for (const port of ports) port.close()
    await lab.close()
  })

  for (const family of [4, 6] as const) {
    // The largest that fits the MTU makes tunnel datagrams above it; the last datagram of each send is shorter.
    for (const segmentBytes of [1200, family === 4 ? 1472 : 1452, 1]) {
      it(`when each send is cut at ${segmentBytes} bytes over IPv${family}, then the sensor has every datagram by itself, right and whole`, async () => {
        const capture = await captureEth0(sensor)
        const sidecar = await startSidecar(web, { env: { SENSOR: sensor.address4 } }).ready()
        const payload = randomFillSync(Buffer.alloc(segmentBytes === 1 ? 50 : segmentBytes * 30 + 777))
        const address = family === 4 ? peer.address4 : peer.address6
        const sender = connectUdp(web.namespace, family, address, appPort, { segmentBytes })
        for (let count = 0; count < sends; count++) sender.send(payload)
        sender.close()
        const metrics = await sidecar.settled()
        expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
        const datagrams = tunnelDatagrams(await capture.stop())
        const payloads = datagrams.map(({ frame }) => udpPayload(frame)).filter((found) => found !== undefined)
        const expected = Array.from({ length: sends }, () => pieces(payload, segmentBytes)).flat()
        expect(payloads.map((bytes) => bytes.toString('hex'))).toEqual(expected)
        const judgement = await judge(
          datagrams.map(({ frame }) => frame),
          [appPort],
        )
        expect(judgement.complaints).toEqual([])
        expect(judgement.good).toBeGreaterThanOrEqual(expected.length * (family === 4 ? 2 : 1))
        expect(metrics.get('vxtap_super_frames_total')).toBe(sends)
        expect(metrics.get('vxtap_segments_total')).toBe(expected.length)
        expect(countedAtStop(sidecar.said)).toMatchObject({
          captured: datagrams.length,
          sent: datagrams.length,
          dropped: {},
        })
      })
    }
  }
})

/** What a UDP datagram to the application's port carries; undefined for any other frame. */
function udpPayload(frame: Buffer): Buffer | undefined {
  const udp = frame.readUInt16BE(12) === 0x0800 ? 34 : 54
  if (frame.length < udp + 8 || frame[udp === 34 ? 23 : 20] !== 17) return undefined
  if (frame.readUInt16BE(udp + 2) !== appPort) return undefined
  expect(frame.readUInt16BE(udp + 4), 'UDP length').toBe(frame.length - udp)
  return frame.subarray(udp + 8)
}

function pieces(payload: Buffer, length: number): string[] {
  const result: string[] = []
  for (let at = 0; at < payload.length; at += length)
    result.push(payload.toString('hex', at, Math.min(at + length, payload.length)))
  return result
}
