import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchCapture, tshark, useFolder } from './world/evidence.ts'
import { apply, eventually, exec, type KubeObject, kubectl, list, logs, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { firstNode, otherNode } from './world/nodes.ts'
import { idleContainer, onNode, optIn, pod, requests, sensorTemplate, webContainer } from './world/workloads.ts'

const namespace = useNamespace('scaled')
const folder = useFolder()
// All on the other node: a sensor on the pod's own would be preferred.
const paths = Array.from({ length: 60 }, (_, index) => `/flow-${index}`)

const scale = (replicas: number): Promise<string> =>
  kubectl(['-n', namespace, 'scale', 'deployment/sensors', `--replicas=${replicas}`])

const knows = (sensors: number): Promise<string> =>
  eventually(`the sidecar sends to ${sensors}`, async () => {
    const lines = (await logs(namespace, 'web', 'vxtap')).split('\n')
    const last = lines.findLast((line) => line.includes('sending to'))
    return last?.includes(`sending to ${sensors} sensor`) ? last : undefined
  })

describe('given a tapped pod and no sensor yet', () => {
  let web: KubeObject
  beforeAll(async () => {
    await apply(
      pod({ name: 'web', namespace, labels: optIn }, webContainer, onNode(firstNode)),
      pod({ name: 'client', namespace }, idleContainer),
    )
    web = await ready(namespace, 'web')
    await ready(namespace, 'client')
  })
  afterAll(() => folder.remove())

  it('then the pod works, and its sidecar says what it looks for', async () => {
    const log = await logs(namespace, 'web', 'vxtap')
    expect(log).toContain('no pod with the label run=sensor')
    await exec(namespace, 'client', 'app', requests(web.status.podIP!, ['/'], 8080))
  })

  it('when a sensor comes, then the sidecar sends to it', async () => {
    await apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'sensors', namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: { run: 'sensor' } },
        template: sensorTemplate('sensor', onNode(otherNode)),
      },
    })
    await knows(1)
  })

  it('when there are three, then every flow is at exactly one of them, whole, and each has some', async () => {
    await scale(3)
    await knows(3)
    await exec(namespace, 'client', 'app', requests(web.status.podIP!, paths, 8080))
    const sensors = await list(namespace, 'pod', 'run=sensor')
    const shares = await Promise.all(
      sensors.map(async ({ metadata }) => {
        const file = `${folder.path}/${metadata.name}.pcapng`
        await fetchCapture(namespace, metadata.name, file)
        const asked = await tshark(file, 'http.request.uri contains "/flow-"', 'http.request.uri', 'tcp.stream')
        const answered = await tshark(file, 'http.response.code == 200', 'tcp.stream')
        return { asked: asked.map((line) => line.split('\t')), answered: new Set(answered) }
      }),
    )
    expect(shares.flatMap(({ asked }) => asked.map(([uri]) => uri)).sort()).toEqual([...paths].sort())
    for (const { asked, answered } of shares) {
      expect(asked.length).toBeGreaterThan(0)
      for (const [, stream] of asked) expect(answered).toContain(stream)
    }
  })

  it('when there is one again, then the sidecar sends to that one', async () => {
    await scale(1)
    const [last] = await eventually('one sensor is left', async () => {
      const sensors = await list(namespace, 'pod', 'run=sensor')
      return sensors.length === 1 && sensors
    })
    expect(await knows(1)).toContain(last!.status.podIP)
  })
})
