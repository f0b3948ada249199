import { describe, expect, it } from 'vitest'
import { apply, kubectl, list, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { release, releaseNamespace } from './world/release.ts'
import { sidecarOf } from './world/tap.ts'
import { onNode, optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('stream')
/** They never start: what is looked at is their creation. */
const nowhere = onNode('nowhere')

describe('given pods that are created one after another', () => {
  it('when the injectors are replaced meanwhile, then every pod is tapped, and none is refused', async () => {
    let over = false
    let created = 0
    const stream = async (): Promise<void> => {
      while (!over) {
        const batch = Array.from({ length: 4 }, () =>
          pod({ name: `pod-${created++}`, namespace, labels: optIn }, undefined, nowhere),
        )
        await apply(...batch)
      }
    }
    const creating = stream()
    await kubectl(['-n', releaseNamespace, 'rollout', 'restart', `deployment/${release}`])
    await rolledOut(releaseNamespace, `deployment/${release}`)
    over = true
    await creating
    const pods = await list(namespace, 'pod')
    expect(created).toBeGreaterThan(40)
    expect(pods.length).toBe(created)
    const untouched = pods.filter((made) => sidecarOf(made) === undefined)
    expect(untouched.map(({ metadata }) => metadata.name)).toEqual([])
  })
})
