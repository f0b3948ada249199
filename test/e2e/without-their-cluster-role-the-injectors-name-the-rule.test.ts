import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apply, eventually, kubectl, ready, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { release, releaseNamespace } from './world/release.ts'
import { sidecarOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('no-cluster-rights')
const role = ['clusterrole', `${release}-injector`]
const injectors = ['-n', releaseNamespace, 'get', 'pods', '-l', 'app.kubernetes.io/component=injector']
/** They wait up to 30 s between two attempts; two of them are replaced in turn. */
const recoverySeconds = 90

interface ClusterRole {
  readonly rules: readonly { readonly resources: readonly string[] }[]
}

const names = async (): Promise<string[]> =>
  (await kubectl([...injectors, '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ').filter((name) => name !== '')

describe('given injectors whose ClusterRole has lost its rule for namespaces and nodes', () => {
  let before: string
  let late: string
  beforeAll(async () => {
    before = await kubectl(['get', ...role, '-o', 'json'])
    const { rules } = JSON.parse(before) as ClusterRole
    const left = rules.filter(({ resources }) => !resources.includes('namespaces'))
    expect(left.length).toBe(rules.length - 1)
    await kubectl(['patch', ...role, '--type=merge', '-p', JSON.stringify({ rules: left })])
    const old = await names()
    await kubectl(['-n', releaseNamespace, 'rollout', 'restart', `deployment/${release}`])
    late = await eventually('a new injector is made', async () => (await names()).find((name) => !old.includes(name)))
  })
  const restore = (): Promise<string> =>
    kubectl(['patch', ...role, '--type=merge', '-p', JSON.stringify({ rules: JSON.parse(before).rules })])
  afterAll(async () => {
    await restore()
    await rolledOut(releaseNamespace, `deployment/${release}`, recoverySeconds)
  })

  it.each(['namespaces', 'nodes'])(
    'when a new one starts, then its log names the missing rule for %s, and whom it is for',
    async (resource) => {
      const who = `User \\"system:serviceaccount:${releaseNamespace}:${release}\\" cannot list resource \\"${resource}\\"`
      await eventually('the log says it', async () => {
        const log = await kubectl(['-n', releaseNamespace, 'logs', late]).catch(() => '')
        return log
          .split('\n')
          .some((line) => line.includes(`needs: get, list, watch ${resource}`) && line.includes(who))
      })
    },
  )

  it('then it is not asked, those that know the cluster stay, and pods are tapped as before', async () => {
    const isReady = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    expect(await kubectl(['-n', releaseNamespace, 'get', 'pod', late, '-o', isReady])).toBe('False')
    await apply(pod({ name: 'meanwhile', namespace, labels: optIn }))
    expect(sidecarOf(await ready(namespace, 'meanwhile'))).toBeDefined()
  })

  it('when the rule is given again, then the new injectors take over without another restart', async () => {
    await restore()
    await rolledOut(releaseNamespace, `deployment/${release}`, recoverySeconds)
    expect(await names()).toContain(late)
    await apply(pod({ name: 'afterwards', namespace, labels: optIn }))
    expect(sidecarOf(await ready(namespace, 'afterwards'))).toBeDefined()
  })
})
