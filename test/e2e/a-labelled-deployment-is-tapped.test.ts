import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Comparison, compare } from '../../demo/compare/compare.ts'
import { tunnelOf } from '../../demo/compare/tunnel.ts'
import { type Counters, readFrames } from '../../demo/evidence.ts'
import { itWhere, nodeAccess } from './world/abilities.ts'
import { captureWire, fetchCapture, tshark, useFolder } from './world/evidence.ts'
import { apply, eventually, exec, type KubeObject, list, ready, rolledOut } from './world/kubectl.ts'
import { firstNode, otherNode } from './world/nodes.ts'
import { documented } from './world/release.ts'
import { counters, sendsTo } from './world/tap.ts'
import {
  deployment,
  idleContainer,
  onNode,
  optIn,
  pod,
  requests,
  sensorPod,
  service,
  webContainer,
} from './world/workloads.ts'

// Nothing but the label: the chart's defaults name the sensor, its sensorAccess opens the sensors' namespace.
const { applications: namespace, sensors } = documented
const paths = Array.from({ length: 30 }, (_, index) => `/page-${index}`)
const folder = useFolder()

describe('given a labelled Deployment on one node and a sensor in another namespace on the other', () => {
  let web: KubeObject
  let sensor: KubeObject
  let before: Counters
  let result: Comparison
  const capture = `${folder.path}/sensor.pcapng`

  beforeAll(async () => {
    await apply(sensorPod(sensors, 'sensor', otherNode, documented.sensor))
    sensor = await ready(sensors, 'sensor')
    await apply(
      deployment({ name: 'web', namespace, labels: optIn }, webContainer, onNode(firstNode)),
      service(namespace, 'web'),
      pod({ name: 'client', namespace }, idleContainer, onNode(otherNode)),
    )
    await rolledOut(namespace, 'deployment/web')
    await ready(namespace, 'client')
    web = (await list(namespace, 'pod', 'app=web'))[0]!
    await sendsTo(namespace, web.metadata.name, sensor.status.podIP!)
    // kube-proxy takes a moment to learn of a Service.
    await eventually('the Service answers', () =>
      exec(namespace, 'client', 'app', requests('web', ['/'])).catch(() => undefined),
    )
    before = await counters(web)

    const wire = nodeAccess.met && (await captureWire(namespace, web.metadata.name, `${folder.path}/wire.pcapng`))
    const from = Date.now()
    await exec(namespace, 'client', 'app', requests('web', [...paths, '/big']))
    const to = Date.now()
    const frames = wire ? await wire.stop() : []
    await fetchCapture(sensors, 'sensor', capture)
    result = compare(frames, await readFrames(capture), {
      mtu: 1500,
      isTunnel: tunnelOf([web.status.podIP!], [sensor.status.podIP!]),
      from,
      to,
      verbatim: new Set(),
    })
  })
  afterAll(() => folder.remove())

  itWhere(
    nodeAccess,
    'when a client asks it over its Service, then every frame of the wire is at the sensor, and no other',
    () => {
      expect(result.expected).toBeGreaterThan(500)
      expect(result.missing.length).toBe(0)
      expect(result.faulty.length).toBe(0)
      expect(result.duplicates.length).toBe(0)
    },
  )

  it('then tshark finds every request and its answer there', async () => {
    const asked = await tshark(capture, 'http.request.uri != "/" && tcp.dstport == 8080', 'http.request.uri')
    expect(asked.sort()).toEqual([...paths, '/big'].sort())
    const answered = await tshark(capture, 'http.response && tcp.srcport == 8080', 'http.response.code')
    expect(answered.length).toBeGreaterThan(paths.length)
    expect(new Set(answered)).toEqual(new Set(['200']))
  })

  it('then tshark finds no gap and no wrong checksum', async () => {
    const wrong =
      'tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"'
    expect(await tshark(capture, wrong, 'frame.number')).toEqual([])
  })

  it('then the sidecar has dropped nothing since it found the sensor', async () => {
    expect((await counters(web)).dropped).toEqual(before.dropped)
  })
})
