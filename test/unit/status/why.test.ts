import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubernetesObject } from '../../../lab/apiserver/objects.ts'
import { Problem } from '../../../status/problem.ts'
import { why } from '../../../status/why.ts'
import {
  asks,
  collected,
  injectorDeployment,
  metricsText,
  options,
  plainPod,
  type StatusCluster,
  startStatusCluster,
  tappedPod,
  withSettingsFile,
} from '../../support/status-cluster.ts'

const workload = (name: string, template: object, labels: object = {}): KubernetesObject => ({
  metadata: { name, namespace: 'shop', labels: { ...labels } },
  spec: { template },
})

describe('given pods and their owners', () => {
  let cluster: StatusCluster
  beforeAll(async () => {
    cluster = await startStatusCluster(async (_pod, _port, path) => ({
      status: 200,
      text: path === '/readyz' ? 'captures eth0 and sends to 1 sensor\n' : metricsText({ dropped: { ring_full: 12 } }),
    }))
    const { api } = cluster
    await api.namespaces.create({ metadata: { name: 'quiet' } })
    for (const pod of [
      tappedPod('web-1'),
      plainPod('web-2'),
      plainPod('node-agent', {
        metadata: { name: 'node-agent', namespace: 'shop', ownerReferences: [] },
        spec: { hostNetwork: true },
      }),
      plainPod('left-alone', { metadata: { name: 'left-alone', namespace: 'quiet' } }),
      plainPod('report-1-x', {
        metadata: {
          name: 'report-1-x',
          namespace: 'shop',
          ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'report-1', uid: 'j', controller: true }],
        },
      }),
      plainPod('canary-x', {
        metadata: {
          name: 'canary-x',
          namespace: 'shop',
          ownerReferences: [
            { apiVersion: 'argoproj.io/v1', kind: 'Canary', name: 'canary', uid: 'c', controller: true },
          ],
        },
      }),
    ]) {
      const { namespace = '', name = '' } = (await api.pods.create(pod)).metadata
      api.pods.setStatus(namespace, name, { phase: 'Running' })
    }
    const containers = [{ name: 'a', image: 'a:1' }]
    await api.collection('deployments').create(workload('web', { spec: { containers } }))
    await api.collection('deployments').create(workload('none', { spec: { containers, hostNetwork: true } }))
    await api.collection('deployments').create(workload('later', { spec: { containers } }))
    await api.collection('deployments').create({
      ...workload('misplaced', { spec: { containers } }, asks),
      metadata: { name: 'misplaced', namespace: 'quiet', labels: asks },
    })
    await api.collection('cronJobs').create(workload('report', {}))
    await api.collection('jobs').create({
      metadata: { name: 'report-1', namespace: 'shop', ownerReferences: [{ kind: 'CronJob', name: 'report' }] },
    })
  })
  afterAll(() => cluster.dispose())

  const asked = async (namespace: string, ...subject: string[]): Promise<string> => {
    const output = collected()
    expect(await why({ ...options, namespace, subject }, cluster.connection, output)).toBe(0)
    return output.text()
  }

  it.each([
    ['a-tapped-pod', 'shop', ['pod/web-1']],
    ['a-pod-in-a-blind-spot', 'shop', ['web-2']],
    ['a-pod-that-cannot-be-tapped', 'shop', ['po', 'node-agent']],
    ['a-pod-that-does-not-ask', 'quiet', ['pod/left-alone']],
    ['a-deployment', 'shop', ['deploy/web']],
    ['a-template-that-cannot-be-tapped', 'shop', ['deployment/none']],
    ['a-template-that-will-be', 'shop', ['deployment/later']],
    ['a-label-in-the-wrong-place', 'quiet', ['deployment/misplaced']],
    ['a-cron-job', 'shop', ['cronjob/report']],
    ['a-kind-of-somebody-else', 'shop', ['canary/canary']],
  ])(
    'when why is asked, then the sentence, what to do and the health are there: %s',
    async (golden, namespace, subject) => {
      await expect(await asked(namespace, ...subject)).toMatchFileSnapshot(`../../golden/status/why-${golden}.txt`)
    },
  )

  it('when JSON is asked for, then it has the same code and sentence', async () => {
    const output = collected()
    await why({ ...options, subject: ['pod/web-2'], output: 'json' }, cluster.connection, output)
    expect(JSON.parse(output.text())).toMatchObject({
      format: 1,
      injector: { namespace: 'vxtap', name: 'vxtap', version: '0.2.0', replicas: 2, ready: 2 },
      pods: [{ pod: 'web-2', tap: 'blind', reason: 'started_without_injector' }],
      template: null,
      notes: [],
    })
  })

  it.each([
    [['pod/gone'], 'pods "gone" not found in the namespace shop', 1],
    [['canary/gone'], 'no pod of canary/gone is in the namespace shop', 1],
    [['a/b/c'], '"a/b/c" is not allowed: it must be KIND/NAME, for example deployment/web', 64],
  ])('when %j is not there, then it says so', async (subject, message, exitCode) => {
    const problem = await why({ ...options, subject }, cluster.connection, collected()).catch((error: unknown) => error)
    expect(problem).toBeInstanceOf(Problem)
    expect(problem).toMatchObject({ message, exitCode })
  })

  it('when the injector’s policy is in its ConfigMap, then that is what is judged by', async () => {
    const { api } = cluster
    const deployments = api.collection('deployments')
    await deployments.apply(withSettingsFile(injectorDeployment()))
    const settings = async (text: string) => {
      const metadata = { name: 'vxtap-settings', namespace: 'vxtap' }
      await api.collection('configMaps').apply({ metadata, data: { 'settings.yaml': text } })
      return asked('shop', 'web-2')
    }
    expect(await asked('shop', 'web-2')).toContain(
      'note: the ConfigMap vxtap/vxtap-settings with the injector’s settings cannot be read'.replace('’', "'"),
    )
    expect(await settings('excludedNamespaces: [shop]')).toContain('not tapped (excluded_namespace)')
    expect(await settings('excludedNamespaces: []')).not.toContain('excluded_namespace')
    expect(await settings('podSecurity: maybe')).toContain(
      'note: the settings of vxtap/vxtap: the ConfigMap: podSecurity="maybe" is not allowed',
    )
    await deployments.apply(injectorDeployment())
  })

  it('when no injector is ready, or its settings are wrong, then that is noted', async () => {
    await cluster.api.collection('deployments').apply(injectorDeployment(0, { DEFAULT_VNI: 'x' }))
    const text = await asked('shop', 'web-2')
    expect(text).toContain('note: no injector is ready (0 of 2): pods created now start untapped')
    expect(text).toContain('note: the settings of vxtap/vxtap: DEFAULT_VNI="x" is not allowed')
    await cluster.api.collection('deployments').apply(injectorDeployment(2, { EXCLUDED_NAMESPACES: 'shop' }))
    expect(await asked('shop', 'web-2')).toContain('pod shop/web-2: not tapped (excluded_namespace)')
    cluster.api.collection('deployments').delete('vxtap', 'vxtap')
    expect(await asked('shop', 'web-2')).toContain('note: no injector is installed: no pod gets a tap')
    await cluster.api
      .collection('policies')
      .create({ metadata: { name: 'vxtap', labels: { 'app.kubernetes.io/name': 'vxtap' } } })
    expect(await asked('shop', 'web-2')).toContain('note: pods are tapped by a policy of the API server')
    cluster.api.collection('policies').delete('', 'vxtap')
    await cluster.api.collection('deployments').create(injectorDeployment())
  })
})
