import { beforeAll, describe, expect, it } from 'vitest'
import { apply, eventually, exec, type KubeObject, logs, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { firstNode, otherNode } from './world/nodes.ts'
import {
  type Arrival,
  arrivals,
  missingNumbers,
  numberedOnly,
  numberedSensor,
  sinkContainer,
  sourceContainer,
} from './world/numbered.ts'
import { ask, counters, restartsOf } from './world/tap.ts'
import { idleContainer, onNode, optIn, pod, requests, webContainer } from './world/workloads.ts'

const namespace = useNamespace('no-sensor')
const within = 5000
const enough = 200
const looks = /no pod with the label run=sensor in namespace \\?"no-sensor\\?"/

describe('given a tapped pod that gets numbered datagrams, and no sensor anywhere', () => {
  let web: KubeObject
  let sent: number
  beforeAll(async () => {
    const tapped = { name: 'web', namespace, labels: optIn, annotations: numberedOnly }
    await apply(
      pod(tapped, webContainer, { containers: [webContainer, sinkContainer], ...onNode(firstNode) }),
      pod({ name: 'client', namespace }, idleContainer),
    )
    web = await ready(namespace, 'web')
    await ready(namespace, 'client')
    await apply(pod({ name: 'source', namespace }, sourceContainer(web.status.podIP!), onNode(otherNode)))
    await ready(namespace, 'source')
  })

  it('then the application works, and no container was started again', async () => {
    await exec(namespace, 'client', 'app', requests(web.status.podIP!, ['/', '/big'], 8080))
    expect(restartsOf(await ready(namespace, 'web'))).toBe(0)
  })

  it('then the log and /readyz say what the sidecar looks for', async () => {
    expect(await logs(namespace, 'web', 'vxtap')).toMatch(looks)
    const { status, text } = await ask(web, '/readyz')
    expect(text).toMatch(looks)
    expect(status).toBe(200)
  })

  it('then every frame is counted as no_sensor, and none is sent', async () => {
    const now = await eventually('datagrams come', async () => {
      const counted = await counters(web)
      return counted.captured > enough && counted
    })
    expect(now.sent).toBe(0)
    expect(now.dropped).toEqual({ no_sensor: now.captured })
    sent = now.captured
  })

  it('when a sensor comes, then it has frames at once, and what came before is counted exactly', async ({
    annotate,
  }) => {
    await apply(numberedSensor(namespace, otherNode))
    await ready(namespace, 'sensor')
    const started = performance.now()
    await eventually('the sensor sees a datagram', async () => (await arrivals(namespace, 'sensor')).length > 0)
    const tookMs = performance.now() - started
    await annotate(`a first sensor: frames within ${tookMs.toFixed(0)} ms after it is Ready`, 'figure')
    expect(tookMs).toBeLessThan(within)

    const seen: Arrival[] = await eventually('it sees more', async () => {
      const all = await arrivals(namespace, 'sensor')
      return all.length > enough && all
    })
    const first = seen[0]!.number
    expect(first).toBeGreaterThanOrEqual(sent)
    expect(missingNumbers(seen, first)).toEqual([])
    expect((await counters(web)).dropped).toEqual({ no_sensor: first })
  })
})
