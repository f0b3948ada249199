import { beforeAll, describe, expect, it } from 'vitest'
import type { Counters } from '../../demo/evidence.ts'
import { apply, eventually, type KubeObject, kubectl, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { firstNode, otherNode } from './world/nodes.ts'
import {
  type Arrival,
  arrivals,
  arrivalsUntilItsEnd,
  everyMs,
  missingNumbers,
  numberedOnly,
  numberedSensor,
  sinkContainer,
  sourceContainer,
} from './world/numbered.ts'
import { counters, restartsOf, sendsTo } from './world/tap.ts'
import { onNode, optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('replacement')
/** A sidecar learns of a sensor from its watch. */
const learnsWithinMs = 2000
const enough = 200

describe('given a tapped pod that gets a numbered datagram every 5 ms, whose sensor is deleted and made again', () => {
  let [before, after]: KubeObject[] = []
  let [atFirst, atSecond]: Arrival[][] = []
  let [start, end]: Counters[] = []
  let withoutMs: number
  const counted = (): number => (end!.dropped['no_sensor'] ?? 0) - (start!.dropped['no_sensor'] ?? 0)

  beforeAll(async () => {
    const tapped = { name: 'web', namespace, labels: optIn, annotations: numberedOnly }
    await apply(numberedSensor(namespace, otherNode), pod(tapped, sinkContainer, onNode(firstNode)))
    before = await ready(namespace, 'sensor')
    const web = await ready(namespace, 'web')
    await sendsTo(namespace, 'web', before.status.podIP!)
    start = await counters(web)
    await apply(pod({ name: 'client', namespace }, sourceContainer(web.status.podIP!), onNode(otherNode)))
    await eventually(
      'the first sensor sees datagrams',
      async () => (await arrivals(namespace, 'sensor')).length > enough,
    )

    const log = arrivalsUntilItsEnd(namespace, 'sensor')
    const deleted = performance.now()
    await kubectl(['-n', namespace, 'delete', 'pod', 'sensor'])
    atFirst = await log
    await apply(numberedSensor(namespace, otherNode))
    after = await ready(namespace, 'sensor')
    withoutMs = performance.now() - deleted
    await eventually(
      'the second sensor sees datagrams',
      async () => (await arrivals(namespace, 'sensor')).length > enough,
    )
    end = await counters(web)
    atSecond = await arrivals(namespace, 'sensor')
  })

  it('when it comes back, then it has another address, and the sidecar finds it without a restart', async () => {
    expect(after!.status.podIP).not.toBe(before!.status.podIP)
    expect(restartsOf(await ready(namespace, 'web'))).toBe(0)
  })

  it('then what neither sensor has is one gap, which ends soon after the new sensor is Ready', async ({ annotate }) => {
    const missing = missingNumbers([...atFirst!, ...atSecond!], 0)
    const last = atFirst!.at(-1)!
    const first = atSecond![0]!
    expect(missing.length).toBeGreaterThan(0)
    expect(missing).toEqual(missing.map((_, index) => last.number + 1 + index))
    expect(first.number).toBe(last.number + missing.length + 1)
    const gapMs = first.sentMs - last.sentMs
    const shown = `${withoutMs.toFixed(0)} ms from its deletion until the new one is Ready`
    await annotate(
      `a sensor replaced (${shown}): a gap of ${gapMs.toFixed(0)} ms; ${missing.length} datagrams are missing, ${counted()} counted as no_sensor`,
      'figure',
    )
    expect(gapMs).toBeLessThan(withoutMs + learnsWithinMs)
    // What was sent in the gap is what is missing, within what timers are off by.
    expect(Math.abs(missing.length - gapMs / everyMs)).toBeLessThan(enough)
  })

  it('then no datagram is at a sensor twice', () => {
    const numbers = [...atFirst!, ...atSecond!].map(({ number }) => number)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it('then the sidecar has counted every missing one as no_sensor, and dropped no other', () => {
    expect(counted()).toBe(missingNumbers([...atFirst!, ...atSecond!], 0).length)
    expect({ ...end!.dropped, no_sensor: 0 }).toEqual({ ...start!.dropped, no_sensor: 0 })
    expect(start!.captured).toBe(start!.dropped['no_sensor'] ?? 0)
  })
})
