import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Comparison, compare } from '../../demo/compare/compare.ts'
import { tunnelOf } from '../../demo/compare/tunnel.ts'
import { type Counters, readFrames } from '../../demo/evidence.ts'
import { captureWire, faultsSaid, fetchCapture, inNode, tshark, useFolder } from './world/evidence.ts'
import { describeIpv6 } from './world/ipv6.ts'
import {
  addressesOf,
  addressOf,
  apply,
  eventually,
  exec,
  type KubeObject,
  kubectl,
  kubectlWithWarnings,
  logs,
  ready,
} from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { counters, sidecarOf } from './world/tap.ts'
import { idleContainer, onNode, optIn, pod, requests, sensorPod, upload, webContainer } from './world/workloads.ts'

const namespace = useNamespace('tunnel-six')
const folder = useFolder()
const paths = Array.from({ length: 10 }, (_, index) => `/page-${index}`)

describeIpv6('given a namespace whose sensor is an IPv6 address, on another node', () => {
  let web: KubeObject
  let sensor: KubeObject
  let before: Counters
  let result: Comparison
  const capture = `${folder.path}/sensor.pcapng`
  const outer = `${folder.path}/outer.pcapng`
  /** Of the outermost headers alone: tshark decodes the tunnel, too. */
  const datagrams = () => `ipv6.dst#1 == ${addressOf(sensor, 6)} && udp.dstport#1 == 4789`

  beforeAll(async () => {
    await apply(sensorPod(namespace))
    sensor = await ready(namespace, 'sensor')
    await kubectl(['annotate', '--overwrite', 'namespace', namespace, `vxtap.io/sensor=${addressOf(sensor, 6)}`])
    await apply(pod({ name: 'client', namespace }, idleContainer, onNode('node2')))
    await ready(namespace, 'client')
    // The injector watches namespaces: a pod that comes at once may still be told what was said before.
    web = await eventually('the tap is told the address', async () => {
      await apply(pod({ name: 'web', namespace, labels: optIn }, webContainer, onNode('node1')))
      const made = await ready(namespace, 'web')
      if (JSON.stringify(sidecarOf(made)).includes(addressOf(sensor, 6))) return made
      await kubectl(['-n', namespace, 'delete', 'pod', 'web'])
      return undefined
    })
    await eventually('the tap sends there', async () =>
      (await logs(namespace, 'web', 'vxtap')).includes(`sending to ${addressOf(sensor, 6)}, as SENSOR says`),
    )
    // As a network card does that computes no checksums: what the node sends on has them complete.
    await inNode('node1', ['ethtool', '-K', 'eth0', 'tx', 'off'])
    before = await counters(web)

    const [wire, tunnel] = [
      await captureWire(namespace, 'web', `${folder.path}/wire.pcapng`),
      await captureWire(namespace, 'sensor', outer),
    ]
    const from = Date.now()
    for (const address of addressesOf(web)) {
      await exec(namespace, 'client', 'app', requests(address, [...paths, '/big'], 8080))
      await exec(namespace, 'client', 'app', upload(address, '/upload', 100_000, 8080))
    }
    const to = Date.now()
    const frames = await wire.stop()
    await fetchCapture(namespace, 'sensor', capture)
    await tunnel.stop()
    result = compare(frames, await readFrames(capture), {
      mtu: 1500,
      isTunnel: tunnelOf(addressesOf(web), addressesOf(sensor)),
      from,
      to,
      verbatim: new Set(),
    })
  })
  afterAll(async () => {
    await inNode('node1', ['ethtool', '-K', 'eth0', 'tx', 'on'])
    folder.remove()
  })

  it('when clients ask over each family, then every frame of the wire is at the sensor, once, and no other', () => {
    expect(result.expected).toBeGreaterThan(500)
    expect(result.missing.length).toBe(0)
    expect(result.faulty.length).toBe(0)
    expect(result.duplicates.length).toBe(0)
  })

  it('then every datagram came over IPv6, each with a right outer checksum', async () => {
    const all = await tshark(outer, datagrams(), 'frame.number')
    expect(all.length).toBeGreaterThan(500)
    expect(await tshark(outer, `${datagrams()} && udp.checksum.status#1 == "Good"`, 'frame.number')).toEqual(all)
  })

  it('then tshark finds every request at the sensor and no wrong checksum, and the strict sensor no fault', async () => {
    const asked = await tshark(capture, 'http.request && tcp.dstport == 8080', 'http.request.uri')
    expect(asked.sort()).toEqual(
      addressesOf(web)
        .flatMap(() => [...paths, '/big', '/upload'])
        .sort(),
    )
    const wrong = 'ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad"'
    expect(await tshark(capture, wrong, 'frame.number')).toEqual([])
    expect(await faultsSaid(namespace, 'sensor')).toBe(0)
  })

  it('then the sidecar has dropped nothing', async () => {
    expect((await counters(web)).dropped).toEqual(before.dropped)
  })

  it('when a pod, and not its namespace, names an address, then it is left untapped, and kubectl says why', async () => {
    const annotations = { 'vxtap.io/sensor': addressOf(sensor, 6) }
    const manifest = pod({ name: 'own', namespace, labels: optIn, annotations })
    expect(await kubectlWithWarnings(['apply', '-f', '-'], JSON.stringify(manifest))).toMatch(/sensor-address/)
  })
})
