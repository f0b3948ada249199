import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PodProxy } from '../../../lab/apiserver/pod-proxy.ts'
import { Problem } from '../../../status/problem.ts'
import type { StatusReport } from '../../../status/report.ts'
import { status } from '../../../status/status.ts'
import {
  collected,
  metricsText,
  options,
  plainPod,
  type StatusCluster,
  startStatusCluster,
  tappedPod,
} from '../../support/status-cluster.ts'

const flags = { ...options, allNamespaces: false, failOnBlindSpots: false }

const podProxy: PodProxy = async (pod, port, path) => {
  const { name } = pod.metadata
  if (name === 'web-silent' || port !== 14789) return undefined
  if (name === 'web-slow') return new Promise(() => undefined)
  const lossy = name === 'web-lossy'
  if (path === '/readyz') {
    return lossy
      ? { status: 503, text: 'captures eth0; no sensor is known\n' }
      : { status: 200, text: 'captures eth0 and sends to 1 sensor\n' }
  }
  return { status: 200, text: metricsText(lossy ? { targets: 0, sent: 0, dropped: { no_sensor: 1234567 } } : {}) }
}

describe('given a namespace with pods of every standing', () => {
  let cluster: StatusCluster
  beforeAll(async () => {
    cluster = await startStatusCluster(podProxy)
    const { api } = cluster
    const optedOut = { 'vxtap.io/inject': 'false' }
    for (const pod of [
      tappedPod('web-good'),
      tappedPod('web-lossy'),
      tappedPod('web-old', '0.1.0'),
      tappedPod('web-silent'),
      tappedPod('web-slow'),
      plainPod('web-blind'),
      plainPod('web-blind-too'),
      plainPod('bare', { metadata: { name: 'bare', namespace: 'shop', ownerReferences: [] } }),
      plainPod('node-agent', { spec: { hostNetwork: true } }),
      plainPod('left-alone', { metadata: { name: 'left-alone', namespace: 'shop', labels: optedOut } }),
      plainPod('ended', { status: { phase: 'Succeeded' } }),
    ]) {
      await api.pods.create(pod)
      if (pod.status) api.pods.setStatus('shop', pod.metadata?.name ?? '', pod.status)
    }
    await api.pods.create(plainPod('elsewhere', { metadata: { name: 'elsewhere', namespace: 'default' } }))
  })
  afterAll(() => cluster.dispose())

  it('when it is asked for, then the table has every pod that asks for a tap, and what to do about those without', async () => {
    const output = collected()
    expect(await status(flags, cluster.connection, output)).toBe(0)
    await expect(output.text()).toMatchFileSnapshot('../../golden/status/every-standing.txt')
  })

  it('when it is asked for as JSON, then the shape is the documented one', async () => {
    const output = collected()
    await status({ ...flags, output: 'json' }, cluster.connection, output)
    await expect(output.text()).toMatchFileSnapshot('../../golden/status/every-standing.json')
  })

  it('when it is asked for as JSON, then every field is in the documentation', async () => {
    const output = collected()
    await status({ ...flags, output: 'json' }, cluster.connection, output)
    const words = new Set(
      [...readFileSync('docs/status.md', 'utf8').matchAll(/`([^`\n]+)`/g)].map(([, word]) =>
        word?.replaceAll('[]', '').split('.').at(-1),
      ),
    )
    const names = fieldsOf(JSON.parse(output.text()))
    expect(names.size).toBeGreaterThan(30)
    expect([...names].filter((name) => !words.has(name))).toEqual([])
  })

  it('when blind spots are to fail, then the exit code is 2', async () => {
    expect(await status({ ...flags, failOnBlindSpots: true }, cluster.connection, collected())).toBe(2)
  })

  it('when sidecars are not to be asked, then none is', async () => {
    const before = cluster.api.requests.length
    await status({ ...flags, health: false }, cluster.connection, collected())
    expect(cluster.api.requests.slice(before).filter(({ target }) => target.includes('/proxy/'))).toEqual([])
  })

  it('when the terminal has colours, then the words have them, and columns stay where they are', async () => {
    const [plain, coloured] = [collected(), collected(true)]
    await status(flags, cluster.connection, plain)
    await status(flags, cluster.connection, coloured)
    expect(coloured.text()).toContain('\x1b[31mblind\x1b[39m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what a colour is
    expect(coloured.text().replaceAll(/\x1b\[\d+m/g, '')).toBe(plain.text())
  })

  it('when another namespace is asked about, then what is not there is not listed', async () => {
    const output = collected()
    await status({ ...flags, namespace: 'default' }, cluster.connection, output)
    expect(output.text()).toContain('No pod asks for a tap in the namespace default.')
  })

  it('when all namespaces are asked about, then pods of namespaces that do not ask are left out', async () => {
    const output = collected()
    await status({ ...flags, allNamespaces: true, output: 'json' }, cluster.connection, output)
    const report = JSON.parse(output.text()) as StatusReport
    expect(report.summary).toEqual({ pods: 9, tapped: 5, refused: 1, blind: 3, olderSidecars: 1, unwell: 3 })
    expect(report.pods.map(({ pod }) => pod)).not.toContain('elsewhere')
  })
})

/** Names of members, those of counts by reason left out. */
function fieldsOf(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set()
  const inner = Object.entries(value).flatMap(([name, member]) =>
    name === 'droppedByReason' ? [] : [...fieldsOf(member)],
  )
  return new Set([...(Array.isArray(value) ? [] : Object.keys(value)), ...inner])
}

describe('given rights of a user who may read pods only', () => {
  let cluster: StatusCluster
  beforeAll(async () => {
    cluster = await startStatusCluster(podProxy)
    await cluster.api.pods.create(tappedPod('web-good'))
    cluster.api.pods.setStatus('shop', 'web-good', { phase: 'Running' })
  })
  afterAll(() => cluster.dispose())
  const serviceAccount = 'shop/viewer'
  const grant = (resource: string, ...verbs: ('get' | 'list')[]) =>
    cluster.api.grant({ serviceAccount, namespace: 'shop', verbs, resource })

  it('then what is not known is noted, and what is missing is named', async () => {
    const take = [grant('pods', 'list'), grant('namespaces', 'get')]
    cluster.api.grant({ serviceAccount, namespace: '', verbs: ['get'], resource: 'namespaces' })
    const output = collected()
    const connection = cluster.connectAs(cluster.api.issueToken(serviceAccount))
    expect(await status(flags, connection, output)).toBe(0)
    await expect(output.text()).toMatchFileSnapshot('../../golden/status/few-rights.txt')
    for (const back of take) back()
  })

  it('when pods may not be listed, then the sentence has the rule and the commands that grant it', async () => {
    const connection = cluster.connectAs(cluster.api.issueToken(serviceAccount))
    const problem = await status(flags, connection, collected()).catch((error: unknown) => error)
    expect(problem).toBeInstanceOf(Problem)
    expect((problem as Problem).exitCode).toBe(77)
    expect((problem as Problem).message).toBe(
      [
        'pods is forbidden: User "system:serviceaccount:shop:viewer" cannot list resource "pods" in API group "" in the namespace "shop"',
        '  to check:  kubectl auth can-i list pods -n shop',
        '  to grant:  kubectl create role vxtap-list-pods -n shop --verb=list --resource=pods',
        '             kubectl create rolebinding vxtap-list-pods -n shop --role=vxtap-list-pods --user=YOU',
      ].join('\n'),
    )
  })

  it('when nobody knows the token, then it says so', async () => {
    const problem = await status(flags, cluster.connectAs('nobody'), collected()).catch((error: unknown) => error)
    expect((problem as Problem).exitCode).toBe(77)
    expect((problem as Problem).message).toContain('does not know you (401)')
  })
})
