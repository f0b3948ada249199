import { describe, expect, it } from 'vitest'
import { apply, eventually, type KubeObject, kubectl, kubectlWithWarnings, list, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { nodes } from './world/nodes.ts'
import { sidecarOf } from './world/tap.ts'
import { idleContainer, optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('workloads')

const template = (app: string): object => ({
  metadata: { labels: { app, ...optIn } },
  spec: { terminationGracePeriodSeconds: 2, containers: [idleContainer] },
})

const runningPods = (app: string, count: number): Promise<readonly KubeObject[]> =>
  eventually(`${count} pods of ${app} run with every container ready`, async () => {
    const pods = await list(namespace, 'pod', `app=${app}`)
    const isReady = ({ status }: KubeObject): boolean =>
      status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
    return pods.length === count && pods.every(isReady) && pods
  })

describe('given workloads of every kind whose pods opt in', () => {
  it('when a StatefulSet has two replicas, then both are tapped', async () => {
    await apply({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'store', namespace },
      spec: {
        serviceName: 'store',
        replicas: 2,
        selector: { matchLabels: { app: 'store' } },
        template: template('store'),
      },
    })
    const pods = await runningPods('store', 2)
    expect(pods.map(({ metadata }) => metadata.name).sort()).toEqual(['store-0', 'store-1'])
    expect(pods.every((made) => sidecarOf(made) !== undefined)).toBe(true)
  })

  it('when a DaemonSet covers all nodes, then the pod of each is tapped', async () => {
    await apply({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'daemon', namespace },
      spec: { selector: { matchLabels: { app: 'daemon' } }, template: template('daemon') },
    })
    const pods = await runningPods('daemon', nodes.length)
    expect(pods.map(({ spec }) => spec.nodeName).sort()).toEqual([...nodes].sort())
    expect(pods.every((made) => sidecarOf(made) !== undefined)).toBe(true)
  })

  it('when a pod has only a generateName, then it is tapped', async () => {
    const { metadata, ...rest } = pod({ name: '', namespace, labels: optIn }) as { metadata: object }
    const manifest = { ...rest, metadata: { ...metadata, name: undefined, generateName: 'worker-' } }
    const said = await kubectlWithWarnings(['create', '-f', '-', '-o', 'name'], JSON.stringify(manifest))
    const name = /pod\/(worker-\S+)/.exec(said)?.[1] ?? ''
    expect(sidecarOf(await ready(namespace, name))).toBeDefined()
  })

  it('when kubectl only asks what would happen, then the answer shows the sidecar and nothing is created', async () => {
    const manifest = JSON.stringify(pod({ name: 'maybe', namespace, labels: optIn }))
    const answer = await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], manifest)
    expect(sidecarOf(JSON.parse(answer))).toBeDefined()
    expect((await list(namespace, 'pod')).some(({ metadata }) => metadata.name === 'maybe')).toBe(false)
  })
})
