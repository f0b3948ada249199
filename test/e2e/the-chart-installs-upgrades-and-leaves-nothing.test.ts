import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vxtapRepository } from '../cluster/image/names.ts'
import { apply, eventually, kubectl, list } from './world/kubectl.ts'
import { chart, helm } from './world/release.ts'

const namespace = 'second-release'
const name = 'second'
const image = ['--set', `image.repository=${vxtapRepository}`]
const place = ['--namespace', namespace]

const refusal = (promise: Promise<string>): Promise<string> =>
  promise.then(
    () => 'not refused',
    (error: Error) => error.message,
  )

const matrix: Readonly<Record<string, readonly string[]>> = {
  'only the image': [],
  'one replica': ['--set', 'replicaCount=1'],
  'a digest': ['--set', `image.digest=sha256:${'0'.repeat(64)}`],
  'access for two namespaces': [
    ...['--set', 'sensorAccess[0].namespace=default'],
    ...['--set', 'sensorAccess[0].namespaces={shop,checkout}'],
  ],
  'defaults that are numbers': ['--set', 'defaults.vni=1000000', '--set', 'defaults.sensor-port=4790'],
  'its own certificate': ['--set', 'certificate.secretName=mine', '--set', 'certificate.caBundle=LS0t'],
  'every placement': [
    ...['--set', 'priorityClassName=system-cluster-critical', '--set', 'nodeSelector.a=b'],
    ...['--set-json', 'tolerations=[{"operator":"Exists"}]', '--set', 'podLabels.a=b', '--set', 'podAnnotations.a=b'],
  ],
  'failing closed': ['--set', 'webhook.failurePolicy=Fail', '--set', 'webhook.timeoutSeconds=10'],
}

describe('given the chart', () => {
  beforeAll(async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } })
  })
  afterAll(async () => {
    await kubectl(['delete', 'namespace', namespace, '--wait=false'])
  })

  it('then helm lint finds nothing wrong', async () => {
    expect(await helm('lint', chart, '--strict', ...image)).toContain('0 chart(s) failed')
  })

  it.each(Object.entries(matrix))('with %s, then the API server takes every object of it', async (_, values) => {
    const rendered = await helm('template', name, chart, ...place, ...image, '--validate', ...values)
    const said = await kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], rendered)
    expect(said).toMatch(/mutatingwebhookconfiguration.*created \(server dry run\)/)
  })

  it('when a value is mistyped or impossible, then helm install fails with a sentence', async () => {
    const install = (...values: string[]): Promise<string> => refusal(helm('install', name, chart, ...place, ...values))
    expect(await install('--set', 'image.repositroy=x')).toContain("additional properties 'repositroy' not allowed")
    expect(await install()).toContain('image.repository is not set')
    expect(await install(...image, '--set', 'certificate.secretName=mine')).toContain('certificate.caBundle is not set')
  })

  it('when it is installed where Pod Security restricted is enforced, then both injectors come up', async () => {
    await helm('install', name, chart, ...place, ...image, '--wait', '--timeout', '60s')
    const pods = await list(namespace, 'pod', `app.kubernetes.io/instance=${name}`)
    expect(pods.length).toBe(2)
    expect(pods.map(({ spec }) => spec.nodeName).sort()).toEqual(['node1', 'node2'])
  })

  it('when it is upgraded, then the certificate stays', async () => {
    const certificate = (): Promise<string> =>
      kubectl(['-n', namespace, 'get', 'secret', `${name}-vxtap-tls`, '-o', 'jsonpath={.data}'])
    const before = await certificate()
    await helm('upgrade', name, chart, ...place, '--reuse-values', '--set', 'logLevel=debug', '--wait')
    expect(await certificate()).toBe(before)
  })

  it('when it is uninstalled, then nothing of it is left', async () => {
    await helm('uninstall', name, ...place, '--wait')
    const kinds = 'all,secret,serviceaccount,poddisruptionbudget,role,rolebinding'
    const cluster = 'clusterrole,clusterrolebinding,mutatingwebhookconfiguration'
    const left = await eventually('nothing is left', async () => {
      const names = (await kubectl(['-n', namespace, 'get', `${kinds},${cluster}`, '-o', 'name'])).split('\n')
      const ours = names.filter((line) => line.includes(`/${name}-vxtap`))
      return ours.length === 0 && 'nothing'
    })
    expect(left).toBe('nothing')
  })
})
