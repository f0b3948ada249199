import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Comparison, compare } from '../../demo/compare/compare.ts'
import { tunnelOf } from '../../demo/compare/tunnel.ts'
import { type Counters, readFrames } from '../../demo/evidence.ts'
import { captureWire, faultsSaid, fetchCapture, tshark, useFolder } from './world/evidence.ts'
import { describeIpv6, ipv6Only } from './world/ipv6.ts'
import { addressesOf, addressOf, apply, eventually, exec, type KubeObject, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { counters, sendsTo } from './world/tap.ts'
import {
  idleContainer,
  onNode,
  optIn,
  pod,
  requests,
  sensorPod,
  service,
  upload,
  webContainer,
} from './world/workloads.ts'

const namespace = useNamespace('six')
const folder = useFolder()
const overService = Array.from({ length: 20 }, (_, index) => `/service-${index}`)
const atThePod = Array.from({ length: 5 }, (_, index) => `/pod-${index}`)

describeIpv6('given a tapped pod behind an IPv6-only Service, and a client that speaks IPv6', () => {
  let web: KubeObject
  let client: KubeObject
  let before: Counters
  let result: Comparison
  const capture = `${folder.path}/sensor.pcapng`

  beforeAll(async () => {
    await apply(
      sensorPod(namespace),
      pod({ name: 'web', namespace, labels: { ...optIn, app: 'web' } }, webContainer, onNode('node1')),
      service(namespace, 'web', ipv6Only),
      pod({ name: 'client', namespace }, idleContainer, onNode('node2')),
    )
    const sensor = await ready(namespace, 'sensor')
    web = await ready(namespace, 'web')
    client = await ready(namespace, 'client')
    await sendsTo(namespace, 'web', sensor.status.podIP!)
    await eventually('the Service answers', () =>
      exec(namespace, 'client', 'app', requests('web', ['/'])).catch(() => undefined),
    )
    before = await counters(web)

    const wire = await captureWire(namespace, 'web', `${folder.path}/wire.pcapng`)
    const from = Date.now()
    await exec(namespace, 'client', 'app', requests('web', [...overService, '/big']))
    await exec(namespace, 'client', 'app', requests(addressOf(web, 6), atThePod, 8080))
    await exec(namespace, 'client', 'app', upload('web', '/upload', 300_000))
    const to = Date.now()
    const frames = await wire.stop()
    await fetchCapture(namespace, 'sensor', capture)
    result = compare(frames, await readFrames(capture), {
      mtu: 1500,
      isTunnel: tunnelOf(addressesOf(web), addressesOf(sensor)),
      from,
      to,
      verbatim: new Set(),
    })
  })
  afterAll(() => folder.remove())

  it('when it asks and uploads, then every frame of the wire is at the sensor, once, and no other', () => {
    expect(result.expected).toBeGreaterThan(500)
    expect(result.missing.length).toBe(0)
    expect(result.faulty.length).toBe(0)
    expect(result.duplicates.length).toBe(0)
  })

  it('then super-frames of both directions went over the wire, and the sensor has none above the MTU', async () => {
    expect(result.superFrames).toBeGreaterThan(10)
    expect(await tshark(capture, 'frame.len > 1514', 'frame.number')).toEqual([])
    for (const direction of ['tcp.srcport', 'tcp.dstport']) {
      const full = await tshark(capture, `ipv6 && ${direction} == 8080 && tcp.len > 1300`, 'frame.number')
      expect(full.length).toBeGreaterThan(100)
    }
  })

  it('then tshark finds every request, all over IPv6', async () => {
    const asked = await tshark(
      capture,
      'http.request.uri != "/" && tcp.dstport == 8080',
      'http.request.uri',
      'ipv6.dst',
    )
    const all = [...overService, ...atThePod, '/big', '/upload']
    expect(asked.sort()).toEqual(all.map((path) => `${path}\t${addressOf(web, 6)}`).sort())
  })

  it('then tshark finds no gap and no wrong checksum, and the strict sensor no fault', async () => {
    // A probe of the kubelet's may have been under way when the tap found its sensor.
    const gap = `ipv6.addr == ${addressOf(client, 6)} && (tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment)`
    expect(await tshark(capture, gap, 'frame.number')).toEqual([])
    const wrong =
      'ipv6 && (tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad")'
    expect(await tshark(capture, wrong, 'frame.number')).toEqual([])
    expect(await faultsSaid(namespace, 'sensor')).toBe(0)
    expect((await tshark(capture, 'ipv6 && tcp.checksum.status == "Good"', 'frame.number')).length).toBeGreaterThan(500)
  })

  it('then the sidecar has dropped nothing since it found the sensor', async () => {
    expect((await counters(web)).dropped).toEqual(before.dropped)
  })
})
