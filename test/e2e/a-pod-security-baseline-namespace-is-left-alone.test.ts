import { describe, expect, it } from 'vitest'
import { apply, kubectl, ready, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { sidecarOf } from './world/tap.ts'
import { deployment, optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('baseline', { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } })

describe('given a namespace that enforces Pod Security baseline', () => {
  it('when a pod opts in, then it runs untouched, and kubectl prints why and what to do', async () => {
    const said = await apply(pod({ name: 'web', namespace, labels: optIn }))
    expect(said).toMatch(/Warning: vxtap: not injected: the namespace baseline enforces Pod Security level baseline/)
    expect(said).toMatch(/pod-security\.kubernetes\.io\/enforce to privileged/)
    expect(sidecarOf(await ready(namespace, 'web'))).toBeUndefined()
  })

  it('when a Deployment opts in, then its pods run untouched', async () => {
    await apply(deployment({ name: 'web', namespace, labels: optIn }))
    await rolledOut(namespace, 'deployment/web')
  })

  it('when the advice is followed, then the next pod is tapped', async () => {
    await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=privileged', '--overwrite'])
    await apply(pod({ name: 'later', namespace, labels: optIn }))
    expect(sidecarOf(await ready(namespace, 'later'))).toBeDefined()
  })
})
