import { beforeAll, describe, expect, it } from 'vitest'
import { apply, eventually, exec, type KubeObject, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { firstNode, otherNode } from './world/nodes.ts'
import { counters, restartsOf, sendsTo, usage } from './world/tap.ts'
import { idleContainer, onNode, optIn, pod, requests, sensorPod, webContainer } from './world/workloads.ts'

const namespace = useNamespace('loaded')
const mebi = 2 ** 20
/** A quarter of what the injector gives the container by default. */
const memoryLimit = 64 * mebi
const annotations = { 'vxtap.io/memory-limit': '64Mi', 'vxtap.io/memory-request': '64Mi' }
const downloads = Array.from({ length: 300 }, () => '/big')
/** 1448 bytes of a segment are data. What does not fit into the ring is lost by the super-frame: a few hundred of them. */
const leastFrames = Math.ceil((downloads.length * 1_000_000) / 1448)

describe('given a tapped pod that serves 300 MB over HTTP, and whose sidecar may have 64 MiB of memory', () => {
  let web: KubeObject
  let idle: number
  beforeAll(async () => {
    await apply(
      sensorPod(namespace),
      pod({ name: 'web', namespace, labels: optIn, annotations }, webContainer, onNode(firstNode)),
      pod({ name: 'client', namespace }, idleContainer, onNode(otherNode)),
    )
    const sensor = await ready(namespace, 'sensor')
    web = await ready(namespace, 'web')
    await ready(namespace, 'client')
    await sendsTo(namespace, 'web', sensor.status.podIP!)
    idle = (await measured(web)).memoryBytes
  })

  it('when the kubelet measures it, then it is well below its limit, and it was never started again', async ({
    annotate,
  }) => {
    const before = await measured(web)
    await exec(namespace, 'client', 'app', requests(web.status.podIP!, downloads, 8080))
    const after = await eventually('the kubelet has looked again', async () => {
      const now = await usage(web, 'vxtap')
      return now.cpuSeconds > before.cpuSeconds && now
    })
    let last = Number.NEGATIVE_INFINITY
    const { sent, dropped } = await eventually('the ring is empty', async () => {
      const now = await counters(web)
      // Each look at the counters is a few frames more.
      const settled = now.captured - last < 100
      last = now.captured
      return settled && now
    })
    const shown = (bytes: number): string => (bytes / mebi).toFixed(0)
    const lost = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`)
    await annotate(
      `the kubelet of the sidecar: ${shown(idle)} MiB idle, ${shown(after.memoryBytes)} MiB under load (limit ${shown(memoryLimit)}), ` +
        `${(after.cpuSeconds - before.cpuSeconds).toFixed(2)} s of CPU for ${sent} frames; dropped: ${lost.join(', ') || 'none'}`,
      'figure',
    )
    expect(after.memoryBytes).toBeLessThan(memoryLimit * 0.75)
    expect(restartsOf(await ready(namespace, 'web'))).toBe(0)
    expect(sent).toBeGreaterThan(leastFrames / 2)
  })
})

/** The kubelet looks every ten seconds or so. */
const measured = (of: KubeObject) =>
  eventually('the kubelet has measured the sidecar', async () => {
    const now = await usage(of, 'vxtap')
    return Number.isFinite(now.cpuSeconds) && Number.isFinite(now.memoryBytes) && now
  })
