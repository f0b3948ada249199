import { describe, expect, it } from 'vitest'
import { apply, kubectl, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { optIn, pod, sensorPod } from './world/workloads.ts'

const namespace = useNamespace('deleted')
const rounds = 3
/** The sidecar drains its ring and says goodbye after the application has ended. */
const allowedMs = 1500

async function deletionMs(name: string, labels: Readonly<Record<string, string>>): Promise<number> {
  await apply(pod({ name, namespace, labels }, undefined, { terminationGracePeriodSeconds: 30 }))
  await ready(namespace, name)
  const started = performance.now()
  await kubectl(['-n', namespace, 'delete', 'pod', name])
  return performance.now() - started
}

describe('given a pod that ends at once when it is told to', () => {
  it('when it is tapped, then its deletion takes hardly longer', async ({ annotate }) => {
    await apply(sensorPod(namespace))
    await ready(namespace, 'sensor')
    const times = { plain: [] as number[], tapped: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      times.plain.push(await deletionMs(`plain-${round}`, {}))
      times.tapped.push(await deletionMs(`tapped-${round}`, optIn))
    }
    const best = { plain: Math.min(...times.plain), tapped: Math.min(...times.tapped) }
    const shown = `${best.plain.toFixed(0)} ms without a tap, ${best.tapped.toFixed(0)} ms with one`
    await annotate(`kubectl delete of a pod, best of ${rounds}: ${shown}`, 'figure')
    expect(best.tapped - best.plain).toBeLessThan(allowedMs)
  })
})
