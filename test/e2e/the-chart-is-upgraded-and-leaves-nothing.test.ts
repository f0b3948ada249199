import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { version } from '../../contract/version.ts'
import { useFolder } from './world/evidence.ts'
import { imageOptions, imageRepository } from './world/images.ts'
import { apply, eventually, exec, getObject, kubectl, list, ready, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { chart, helm } from './world/release.ts'
import { sendsTo, sidecarOf, statusOf } from './world/tap.ts'
import { deployment, optIn, pod, requests, service, webContainer } from './world/workloads.ts'

const folder = useFolder()
/** Its webhooks are called before those of the release that all scenarios have: what pods get comes from this one. */
const release = 'another'
const name = 'another-vxtap'
const instance = `app.kubernetes.io/instance=${release}`
const place = ['--namespace', release]
const applications = useNamespace('upgraded', {}, [])

interface Configuration {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle: string } }[]
}

const authority = async (): Promise<string | undefined> =>
  (await getObject<Configuration>('default', 'mutatingwebhookconfiguration', name)).webhooks[0]?.clientConfig.caBundle

/** What the injectors have written into their Secret. */
const certificates = async (): Promise<Readonly<Record<string, string>> | undefined> =>
  (await getObject<{ data?: Record<string, string> }>(release, 'secret', `${name}-certificates`)).data

/** The chart as it was, under an older number. */
function olderChart(): string {
  const path = join(folder.path, 'older')
  cpSync(chart, path, { recursive: true })
  const file = join(path, 'Chart.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^version: .*$/m, 'version: 0.0.9'))
  return path
}

async function upgrade(...settings: readonly string[]): Promise<void> {
  const kept = ['--reset-then-reuse-values', '--wait', '--timeout', '90s']
  await helm('upgrade', release, chart, ...place, ...kept, ...settings)
  // Helm is content where as many are missing as the strategy lets miss.
  await rolledOut(release, `deployment/${name}`)
}

/** Creates a pod; its sidecar, and the log of these injectors, show that it was they who were asked. */
async function isTappedByThem(podName: string): Promise<void> {
  const annotations = { 'vxtap.io/sensor': 'elsewhere' }
  await apply(pod({ name: podName, namespace: applications, labels: optIn, annotations }))
  expect(sidecarOf(await getObject(applications, 'pod', podName))).toBeDefined()
  const select = ['-l', 'app.kubernetes.io/component=injector', '--tail=-1']
  // A pod of before the upgrade may end while its log is asked for.
  const log = await eventually('the logs of all injectors', () =>
    kubectl(['-n', release, 'logs', ...select]).catch(() => undefined),
  )
  const record = log.split('\n').find((line) => line.includes(`"pod":"${podName}"`))
  expect(record ?? 'these injectors were not asked, or not in time').toContain('"reason":"injected"')
}

/** Every object of every kind that the API server lists, cluster-wide ones included. */
async function objectsOfTheRelease(): Promise<string[]> {
  const kinds = (await kubectl(['api-resources', '--verbs=list,delete', '-o', 'name'])).trim().split('\n')
  const found = await kubectl(['get', kinds.join(','), '-A', '-l', instance, '-o', 'name', '--ignore-not-found'])
  return found.split('\n').filter((line) => line !== '')
}

/** What helm itself keeps of the release, which has a label of its own. */
const records = (): Promise<string> =>
  kubectl(['-n', release, 'get', 'secret,configmap', '-l', `owner=helm,name=${release}`, '-o', 'name'])

describe('given an older chart, installed with a sensor in a namespace that enforces Pod Security `restricted`', () => {
  let before: string | undefined
  let secret: Readonly<Record<string, string>> | undefined

  beforeAll(async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: release, labels } })
    await helm(
      ...['install', release, olderChart(), ...place, '--wait', '--timeout', '90s'],
      ...['--set', `image.repository=${imageRepository}`, ...imageOptions(), '--set', 'sensor.enabled=true'],
      ...['--set', `sensorAccess[0].namespace=${release}`, '--set', `sensorAccess[0].namespaces={${applications}}`],
    )
    before = await authority()
    secret = await certificates()
  })
  afterAll(async () => {
    await helm('uninstall', release, ...place, '--ignore-not-found')
    await kubectl(['delete', 'namespace', release, '--wait=false'])
    folder.remove()
  })

  it('when a labelled pod is created, then it is tapped, and the chart’s own sensor finds no fault', async () => {
    // Named, because the cluster's other release has a default of its own and is asked first.
    const annotations = { 'vxtap.io/sensor': 'vxtap-receive', 'vxtap.io/sensor-namespace': release }
    await apply(
      deployment({ name: 'web', namespace: applications, labels: optIn, annotations }, webContainer),
      service(applications, 'web'),
    )
    const [web] = await eventually('the web server runs', async () => {
      const pods = await list(applications, 'pod', 'app=web')
      return pods.length === 1 && pods
    })
    const tapped = await ready(applications, web!.metadata.name)
    expect(statusOf(tapped)?.sensor).toBe('vxtap-receive')
    const [sensor] = await list(release, 'pod', 'run=vxtap-receive')
    await sendsTo(applications, tapped.metadata.name, sensor!.status.podIP!)
    // kube-proxy learns of the pod's readiness a moment later.
    await eventually('the Service answers', async () => {
      const paths = requests('web', ['/one', '/two'])
      return exec(applications, tapped.metadata.name, 'web', paths).catch(() => undefined)
    })
    const summary = await eventually('the sensor has seen packets', async () => {
      const log = await kubectl(['-n', release, 'logs', `deployment/${name}-sensor`])
      return log.split('\n').findLast((line) => /\b[1-9]\d* datagrams/.test(line))
    })
    expect(summary).not.toMatch(/[1-9]\d* faulty/)
  })

  it('when it is upgraded with other values, then the new pods are ready, and trusted as before', async () => {
    await upgrade(
      ...['--set', 'port=10250', '--set', 'logLevel=debug', '--set', 'replicaCount=3', '--set', 'sensor.enabled=false'],
      ...['--set', 'networkPolicy.enabled=true', '--set', 'monitoring.dashboard.enabled=true'],
    )
    const injectors = await getObject(release, 'deployment', name)
    expect(injectors.metadata.labels?.['helm.sh/chart']).toBe(`vxtap-${version}`)
    expect((await list(release, 'pod', 'app.kubernetes.io/component=injector')).length).toBeGreaterThanOrEqual(3)
    expect(before).toMatch(/^LS0t/)
    expect(await authority()).toBe(before)
    expect(secret?.['tls.crt']).toMatch(/^LS0t/)
    expect(await certificates()).toEqual(secret)
    expect(await kubectl(['-n', release, 'get', 'deployment', '-o', 'name'])).toBe(`deployment.apps/${name}\n`)
  })

  it('when it is rolled back, and forward again, then they have all that they had', async () => {
    for (const revision of ['1', '2']) await helm('rollback', release, revision, ...place, '--wait', '--timeout', '90s')
    expect(await authority()).toBe(before)
    expect(await certificates()).toEqual(secret)
  })

  it('when a pod is created then, the injectors answer on their new port', () => isTappedByThem('late'))

  it('when they go to a port below 1024, then they listen there without being root', async () => {
    await upgrade('--set', 'port=443')
    await isTappedByThem('on-a-low-port')
  })

  it("when they move to their nodes' network, then the API server reaches them there", async () => {
    await kubectl(['label', 'namespace', release, '--overwrite', 'pod-security.kubernetes.io/enforce=privileged'])
    const free = ['--set', 'port=18443', '--set', 'metricsPort=19412']
    // There are two nodes, and each has such a port once.
    await upgrade(
      '--set',
      'hostNetwork=true',
      ...free,
      '--set',
      'replicaCount=2',
      '--set',
      'networkPolicy.enabled=false',
    )
    await isTappedByThem('on-the-node')
  })

  it('when it is uninstalled, then nothing of it is left in the cluster', async () => {
    expect((await objectsOfTheRelease()).length).toBeGreaterThan(10)
    await helm('uninstall', release, ...place, '--wait')
    await eventually('the cluster has nothing of it', async () => (await objectsOfTheRelease()).length === 0)
    expect(await records()).toBe('')
  })
})
