import { beforeAll, describe, expect, it } from 'vitest'
import { apply, eventually, kubectl, list, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import type { SuiteNamespace } from './world/namespaces.ts'
import { sidecarOf } from './world/tap.ts'
import { deployment, idleContainer, optIn, pod } from './world/workloads.ts'

const tight = useNamespace('tight-limits')
const high = useNamespace('high-minimum')
const exhausted = useNamespace('quota-exhausted')

const limitRange = (namespace: SuiteNamespace, limits: object): object => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'range', namespace },
  spec: { limits: [{ type: 'Container', ...limits }] },
})
const resources = (cpu: string, memory: string): object => ({
  ...idleContainer,
  resources: { requests: { cpu, memory }, limits: { cpu, memory } },
})
const refused = (manifest: object): Promise<string> =>
  apply(manifest).then(
    () => '',
    (error: Error) => error.message,
  )

/** The injector does not know limits and quotas, which the API server looks at after it: it is they who refuse. */
describe('given a LimitRange whose maximum is less than the sidecar asks for', () => {
  const application = resources('50m', '64Mi')
  beforeAll(() => apply(limitRange(tight, { max: { cpu: '500m', memory: '128Mi' } })).then(() => undefined))

  it('when a pod is not tapped, then it starts', async () => {
    await apply(pod({ name: 'plain', namespace: tight }, application))
    await ready(tight, 'plain')
  })

  it('when a pod opts in, then the API server refuses it, and says what the limit is and what was asked for', async () => {
    const said = await refused(pod({ name: 'web', namespace: tight, labels: optIn }, application))
    expect(said).toMatch(/maximum memory usage per Container is 128Mi, but limit is 256Mi/)
    expect(said).toMatch(/maximum cpu usage per Container is 500m, but limit is 1/)
  })

  it('when a Deployment opts in, then kubectl describe of its ReplicaSet says so', async () => {
    await apply(deployment({ name: 'web', namespace: tight, labels: optIn }, application))
    await eventually('the ReplicaSet says why', async () => {
      const described = await kubectl(['-n', tight, 'describe', 'replicaset', '-l', 'app=web'])
      return /FailedCreate .*maximum memory usage per Container is 128Mi, but limit is 256Mi/.test(described)
    })
    expect(await list(tight, 'pod', 'app=web')).toEqual([])
  })

  it('when the namespace says what the sidecar may have, as the documentation advises, then pods start, tapped', async () => {
    await kubectl(['annotate', 'namespace', tight, 'vxtap.io/memory-limit=128Mi', 'vxtap.io/cpu-limit=500m'])
    await eventually('the injector has learnt of it', async () => {
      return (await refused(pod({ name: 'later', namespace: tight, labels: optIn }, application))) === ''
    })
    const made = await ready(tight, 'later')
    expect(sidecarOf(made)?.resources?.limits).toEqual({ cpu: '500m', memory: '128Mi' })
  })
})

describe('given a LimitRange whose minimum is more than the sidecar asks for', () => {
  const application = resources('200m', '200Mi')
  beforeAll(() => apply(limitRange(high, { min: { memory: '128Mi' } })).then(() => undefined))

  it('when a pod opts in, then the API server refuses it, and says why', async () => {
    const said = await refused(pod({ name: 'web', namespace: high, labels: optIn }, application))
    expect(said).toMatch(/minimum memory usage per Container is 128Mi, but request is 96Mi/)
  })

  it('when the pod says what its sidecar asks for, then it starts, tapped', async () => {
    const annotations = { 'vxtap.io/memory-request': '128Mi' }
    await apply(pod({ name: 'later', namespace: high, labels: optIn, annotations }, application))
    expect(sidecarOf(await ready(high, 'later'))?.resources?.requests?.['memory']).toBe('128Mi')
  })
})

describe('given a ResourceQuota that demands requests and limits, and has room for the application alone', () => {
  const application = resources('100m', '100Mi')
  beforeAll(async () => {
    const hard = { 'requests.cpu': '1', 'requests.memory': '150Mi', 'limits.cpu': '2', 'limits.memory': '1Gi' }
    const metadata = { name: 'quota', namespace: exhausted }
    await apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } })
    // Until the quota is computed, every pod is refused for that.
    await eventually('the quota is in force', async () => {
      const used = await kubectl(['-n', exhausted, 'get', 'resourcequota', 'quota', '-o', 'jsonpath={.status.used}'])
      return used.includes('requests.memory')
    })
  })

  it('when a pod opts in, then the API server refuses it, and says how much is left', async () => {
    const said = await refused(pod({ name: 'web', namespace: exhausted, labels: optIn }, application))
    expect(said).toMatch(
      /exceeded quota: quota, requested: requests\.memory=196Mi, used: requests\.memory=0, limited: requests\.memory=150Mi/,
    )
  })

  it('when its sidecar asks for less, then the pod starts, tapped, and the quota counts both', async () => {
    const annotations = { 'vxtap.io/memory-request': '50Mi' }
    await apply(pod({ name: 'later', namespace: exhausted, labels: optIn, annotations }, application))
    expect(sidecarOf(await ready(exhausted, 'later'))).toBeDefined()
    await eventually('both are counted', async () => {
      const used = await kubectl(['-n', exhausted, 'get', 'resourcequota', 'quota', '-o', 'jsonpath={.status.used}'])
      return used.includes('"requests.memory":"150Mi"')
    })
  })
})
