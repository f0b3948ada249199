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

  it('when a Deployment makes it, then the injector has the reason on record', async () => {
    await apply(deployment({ name: 'agents', namespace, labels: optIn }, idleContainer, hostNetwork))
    const [made] = await eventually('the Deployment has a pod', async () => {
      const pods = await list(namespace, 'pod', 'app=agents')
      return pods.length > 0 && pods
    })
    expect(sidecarOf(made!)).toBeUndefined()
    const log = await kubectl(['-n', 'vxtap', 'logs', '-l', 'app.kubernetes.io/name=vxtap', '--tail=-1'])
    const record = log.split('\n').find((line) => line.includes('ReplicaSet/agents') && line.includes('host_network'))
    expect(record).toContain('docs/injection-reasons.md#host-network')
  })
})
