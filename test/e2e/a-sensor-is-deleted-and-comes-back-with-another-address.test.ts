import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchCapture, tshark, useFolder } from './world/evidence.ts'
import { apply, exec, type KubeObject, kubectl, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { counters, restartsOf, sendsTo } from './world/tap.ts'
import { idleContainer, onNode, optIn, pod, requests, sensorPod, webContainer } from './world/workloads.ts'

const namespace = useNamespace('replacement')
const folder = useFolder()
const paths = Array.from({ length: 10 }, (_, index) => `/after-${index}`)

describe('given a tapped pod whose sensor is deleted', () => {
  let before: KubeObject
  let after: KubeObject

  beforeAll(async () => {
    await apply(
      sensorPod(namespace),
      pod({ name: 'web', namespace, labels: optIn }, webContainer, onNode('node1')),
      pod({ name: 'client', namespace }, idleContainer),
    )
    before = await ready(namespace, 'sensor')
    const web = await ready(namespace, 'web')
    await ready(namespace, 'client')
    await sendsTo(namespace, 'web', before.status.podIP!)
    await kubectl(['-n', namespace, 'delete', 'pod', 'sensor'])
    const withoutSensor = await counters(web)
    // What is sent now has nobody to go to.
    await exec(namespace, 'client', 'app', requests(web.status.podIP!, ['/lost'], 8080))
    expect((await counters(web)).dropped['no_sensor'] ?? 0).toBeGreaterThan(withoutSensor.dropped['no_sensor'] ?? 0)

    await apply(sensorPod(namespace))
    after = await ready(namespace, 'sensor')
    await sendsTo(namespace, 'web', after.status.podIP!)
    await exec(namespace, 'client', 'app', requests(web.status.podIP!, paths, 8080))
    await fetchCapture(namespace, 'sensor', `${folder.path}/after.pcapng`)
  })
  afterAll(() => folder.remove())

  it('when it is created again, then it has another address, and the sidecar finds it without a restart', async () => {
    expect(after.status.podIP).not.toBe(before.status.podIP)
    expect(restartsOf(await ready(namespace, 'web'))).toBe(0)
  })

  it('then the new sensor sees everything from there on, and nothing of what came before', async () => {
    const asked = await tshark(`${folder.path}/after.pcapng`, 'http.request', 'http.request.uri')
    expect(asked.sort()).toEqual([...paths].sort())
  })
})
