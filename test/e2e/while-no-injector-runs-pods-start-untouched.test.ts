import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apply, kubectl, ready, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { release, releaseNamespace } from './world/release.ts'
import { sidecarOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('no-injector')
const scale = (replicas: number): Promise<string> =>
  kubectl(['-n', releaseNamespace, 'scale', `deployment/${release}`, `--replicas=${replicas}`])

describe('given that no injector runs', () => {
  beforeAll(async () => {
    await scale(0)
    const selector = ['-l', 'app.kubernetes.io/component=injector']
    await kubectl(['-n', releaseNamespace, 'wait', '--for=delete', 'pod', ...selector, '--timeout=60s'])
  })
  afterAll(async () => {
    await scale(2)
    await rolledOut(releaseNamespace, `deployment/${release}`)
  })

  it('when a pod that opts in is created, then it starts without delay, and untouched', async () => {
    const started = Date.now()
    await apply(pod({ name: 'web', namespace, labels: optIn }))
    expect(Date.now() - started).toBeLessThan(5000)
    expect(sidecarOf(await ready(namespace, 'web'))).toBeUndefined()
  })

  it('when the injectors are back, then the next pod is tapped', async () => {
    await scale(2)
    await rolledOut(releaseNamespace, `deployment/${release}`)
    await apply(pod({ name: 'later', namespace, labels: optIn }))
    expect(sidecarOf(await ready(namespace, 'later'))).toBeDefined()
  })
})
