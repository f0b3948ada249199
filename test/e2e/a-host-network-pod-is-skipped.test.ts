import { describe, expect, it } from 'vitest'
import { apply, eventually, kubectl, list, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { sidecarOf } from './world/tap.ts'
import { deployment, idleContainer, optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('host-network')
const hostNetwork = { hostNetwork: true }

describe("given a pod in its node's network that opts in", () => {
  it('when it is created, then it runs untouched, and kubectl prints why', async () => {
    const said = await apply(pod({ name: 'agent', namespace, labels: optIn }, idleContainer, hostNetwork))
    expect(said).toMatch(/Warning: vxtap: not injected: the pod uses the node's network/)
    expect(sidecarOf(await ready(namespace, 'agent'))).toBeUndefined()
  })

  it('when a Deployment makes it, then kubectl describe of its owner shows why', async () => {
    await apply(deployment({ name: 'agents', namespace, labels: optIn }, idleContainer, hostNetwork))
    const [made] = await eventually('the Deployment has a pod', async () => {
      const pods = await list(namespace, 'pod', 'app=agents')
      return pods.length > 0 && pods
    })
    expect(sidecarOf(made!)).toBeUndefined()
    await eventually('the ReplicaSet says why', async () => {
      const described = await kubectl(['-n', namespace, 'describe', 'replicaset', '-l', 'app=agents'])
      return /Warning +HostNetwork .*vxtap: not injected: the pod uses the node's network/.test(described)
    })
  })
})
