import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apply, eventually, kubectl, ready, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { release, releaseNamespace } from './world/release.ts'
import { sidecarOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('no-cluster-rights')
const guarded = useNamespace('guarded', { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } })
const role = ['clusterrole', `${release}-injector`]
/** After this an injector that has not seen the cluster answers all the same; two of them are replaced in turn. */
const unsyncedSeconds = 90

interface ClusterRole {
  readonly rules: readonly { readonly resources: readonly string[] }[]
}

const log = (): Promise<string> =>
  kubectl(['-n', releaseNamespace, 'logs', '-l', 'app.kubernetes.io/component=injector', '--tail=-1'])

describe('given injectors whose ClusterRole has lost its rule for namespaces and nodes', () => {
  let before: string
  beforeAll(async () => {
    before = await kubectl(['get', ...role, '-o', 'json'])
    const { rules } = JSON.parse(before) as ClusterRole
    const left = rules.filter(({ resources }) => !resources.includes('namespaces'))
    expect(left.length).toBe(rules.length - 1)
    await kubectl(['patch', ...role, '--type=merge', '-p', JSON.stringify({ rules: left })])
    await kubectl(['-n', releaseNamespace, 'rollout', 'restart', `deployment/${release}`])
    await rolledOut(releaseNamespace, `deployment/${release}`, unsyncedSeconds)
  })
  const restore = (): Promise<string> =>
    kubectl(['patch', ...role, '--type=merge', '-p', JSON.stringify({ rules: JSON.parse(before).rules })])
  afterAll(async () => {
    await restore()
    await kubectl(['-n', releaseNamespace, 'rollout', 'restart', `deployment/${release}`])
    await rolledOut(releaseNamespace, `deployment/${release}`, unsyncedSeconds)
  })

  it.each(['namespaces', 'nodes'])(
    'then their log names the missing rule for %s, and whom it is for',
    async (resource) => {
      const who = `User \\"system:serviceaccount:${releaseNamespace}:${release}\\" cannot list resource \\"${resource}\\"`
      await eventually('the log says it', async () => {
        const lines = (await log()).split('\n')
        return lines.some((line) => line.includes(`needs: get, list, watch ${resource}`) && line.includes(who))
      })
    },
  )

  it('when a pod opts in whose namespace forbids NET_RAW, then it starts untouched, and kubectl prints why', async () => {
    const said = await apply(pod({ name: 'web', namespace: guarded, labels: optIn }))
    expect(said).toMatch(/Warning: vxtap: not injected: the injector cannot list the namespaces.*\(namespace_unknown\)/)
    expect(sidecarOf(await ready(guarded, 'web'))).toBeUndefined()
  })

  it('when the rule is given again, then pods are tapped without a restart of the injectors', async () => {
    await restore()
    // They wait up to 30 s between two attempts.
    let made = 0
    await eventually(
      'a pod is tapped',
      async () => {
        const name = `web-${made++}`
        await apply(pod({ name, namespace, labels: optIn }))
        return sidecarOf(JSON.parse(await kubectl(['-n', namespace, 'get', 'pod', name, '-o', 'json'])))
      },
      60,
    )
  })
})
