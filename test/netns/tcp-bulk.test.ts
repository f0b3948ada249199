/**
 * TCP at speed with segmentation offload on: eth0 of the tapped pod carries super-frames of up to 64 KiB.
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]  sidecar
 *                        |                            | VXLAN
 *                        +====== eth0 [sensor] <------+   dumpcap
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { captureEth0, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop, startSidecar } from '../support/netns-sidecar.ts'
import { type OpenPort, openUdpPort } from '../support/netns-sockets.ts'
import { sha256, streamTo, tcpSegment, transfer } from '../support/netns-tcp.ts'
import { judge } from '../support/netns-tshark.ts'

const mebibyte = 1 << 20
const bytes = 16 * mebibyte
/** Fast enough for super-frames of many segments: TCP makes them about a millisecond long. */
const pace = 40 * mebibyte
const appPort = 33_333
const largestFrame = 1514

describe('given a pod with segmentation offload and MTU 1500 that is mirrored to a sensor on the same node', () => {
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
    for (const family of [4, 6] as const) ports.push(openUdpPort(sensor.namespace, family, family === 4 ? 4789 : 4790))
  })
  afterAll(async () => {
    for (const port of ports) port.close()
    await lab.close()
  })

  for (const engine of ['ring', 'pcap'] as const) {
    for (const family of [4, 6] as const) {
      for (const direction of ['sends', 'receives'] as const) {
        it(`when it ${direction} 16 MiB by TCP over IPv${family} (ENGINE=${engine}), then the sensor has every byte in right frames of the wire's size`, async () => {
          const [from, to] = direction === 'sends' ? [web, peer] : [peer, web]
          const sensorPort = family === 4 ? 4789 : 4790
          const capture = await captureEth0(sensor)
          const sidecar = await startSidecar(web, {
            env: {
              ENGINE: engine,
              SENSOR: family === 4 ? sensor.address4 : sensor.address6,
              SENSOR_PORT: String(sensorPort),
              // Holds the whole transfer, so that how fast this machine is does not matter.
              RING_MIB: '64',
              SOURCE_PORTS: '16',
            },
          }).ready()
          const hash = await transfer({
            from: from.namespace,
            to: to.namespace,
            family,
            address: family === 4 ? to.address4 : to.address6,
            port: appPort,
            bytes,
            pace: engine === 'ring' ? pace : pace / 4,
          })
          const metrics = await sidecar.settled()
          expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
          const counters = countedAtStop(sidecar.said)
          const datagrams = tunnelDatagrams(await capture.stop(), sensorPort)
          const frames = datagrams.map(({ frame }) => frame)
          const judgement = await judge(frames, [appPort])

          expect(sha256(streamTo(appPort, frames, bytes))).toBe(hash)
          expect(judgement.complaints).toEqual([])
          expect(judgement.frames).toBe(frames.length)
          expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThanOrEqual(largestFrame)
          // A segment that TCP sent by itself is no super-frame: at full size it stays as it is, and its datagram is
          // fragmented. Segments that were cut never are.
          const fits = 1500 - (family === 4 ? 36 : 56)
          expect(datagrams.filter(({ pieces, frame }) => pieces > 1 && frame.length <= fits)).toEqual([])
          expect(datagrams.filter(({ pieces }) => pieces > 1).length).toBeLessThan(frames.length / 100)
          // An IPv4 frame has two checksums, one of IP and one of TCP; IPv6 has only that of TCP.
          const tcp = datagrams.filter(({ frame }) => tcpSegment(frame) !== undefined)
          expect(judgement.good).toBeGreaterThanOrEqual(tcp.length * (family === 4 ? 2 : 1))
          expect(tcp.length).toBeGreaterThan(bytes / largestFrame)
          expect(new Set(tcp.map(({ sourcePort }) => sourcePort)).size, 'both directions leave from one port').toBe(1)
          expect(counters.dropped).toEqual({})
          expect(counters.captured).toBe(frames.length)
          expect(counters.sent).toBe(frames.length)
          const superFrames = metrics.get('vxtap_super_frames_total')!
          expect(superFrames).toBeGreaterThan(0)
          expect(metrics.get('vxtap_segments_total')).toBeGreaterThan(superFrames)
        })
      }
    }
  }
})
