/**
 * What is injected, held to the Kubernetes API: every field exists there and has the right type (from the models that the
 * client library generates out of the OpenAPI document), and the rules of pkg/apis/core/validation that no type tells.
 */
import * as models from '@kubernetes/client-node'
import { describe, expect, it } from 'vitest'
import { elementsAt, isArray, isObject, type Json, type JsonObject, textAt } from '../../../injector/json.ts'
import { patchPod } from '../../../injector/patch.ts'
import { type ClusterFacts, plan } from '../../../injector/plan.ts'
import { config, modern, namespace, old, optedIn, pod } from './fixtures.ts'

interface Model {
  getAttributeTypeMap(): { baseName: string; type: string }[]
}

/** Every place where the value is not what the API's type says. */
function misfits(value: Json, type: string, path: string): string[] {
  const element = /^Array<(.+)>$/.exec(type)?.[1]
  if (element !== undefined) {
    return isArray(value)
      ? value.flatMap((item, index) => misfits(item, element, `${path}[${index}]`))
      : [`${path} is no list`]
  }
  const member = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1]
  if (member !== undefined) {
    return isObject(value)
      ? Object.entries(value).flatMap(([name, item]) => misfits(item, member, `${path}.${name}`))
      : [`${path} is no map`]
  }
  if (type === 'IntOrString') return ['number', 'string'].includes(typeof value) ? [] : [`${path} is no ${type}`]
  const model = (models as unknown as Record<string, Model | undefined>)[type]
  if (model === undefined) return typeof value === type ? [] : [`${path} is no ${type}`]
  if (!isObject(value)) return [`${path} is no ${type}`]
  const fields = new Map(model.getAttributeTypeMap().map((field) => [field.baseName, field.type]))
  return Object.entries(value).flatMap(([name, item]) => {
    const inner = fields.get(name)
    return inner === undefined ? [`${path}.${name} is unknown`] : misfits(item, inner, `${path}.${name}`)
  })
}

function injected(object: JsonObject, cluster: ClusterFacts): JsonObject {
  const decision = plan(object, namespace(), cluster, config)
  if (decision.outcome !== 'inject') throw new Error(decision.sentence)
  const patch = patchPod(object, decision.injection)
  if (!patch.ok) throw new Error(patch.cause)
  return patch.patched
}

const everything = {
  'vxtap.io/vni': '0x2a',
  'vxtap.io/filter': 'tcp or $(HOME)',
  'vxtap.io/sensor-namespace': '*',
  'vxtap.io/max-mbps': '200',
  'vxtap.io/hold': 'true',
  'vxtap.io/cpu-limit': '1.5',
  'vxtap.io/memory-limit': '0.5Gi',
}
const web = { name: 'web', image: 'web:1' }
const nativeSidecar = { name: 'mesh', image: 'mesh:1', restartPolicy: 'Always' }

const pods: [string, JsonObject][] = [
  ['an ordinary pod', pod()],
  ['a pod without a token', pod(undefined, { volumes: [], automountServiceAccountToken: false, containers: [web] })],
  ['a pod that sets everything', pod({ labels: optedIn, annotations: everything })],
  ['a pod with init containers', pod(undefined, { initContainers: [{ name: 'a', image: 'a' }, nativeSidecar] })],
  ['a pod with lists that are null', pod(undefined, { initContainers: null, volumes: null })],
  ['a pod with lists that are empty', pod(undefined, { initContainers: [], volumes: [] })],
  ['a pod whose containers see each other', pod(undefined, { shareProcessNamespace: true })],
  ['a pod that forbids root', pod(undefined, { securityContext: { runAsNonRoot: true, runAsUser: 7, fsGroup: 7 } })],
  ['a pod with resources of its own', pod(undefined, { resources: { limits: { cpu: '1', memory: '1Gi' } } })],
]
const kinds: [string, ClusterFacts][] = [
  ['native', modern],
  ['ordinary', old],
]

describe.each(kinds)('a pod with the %s sidecar', (kind, cluster) => {
  it.each(pods)('is one that Kubernetes takes: %s', (_name, object) => {
    const result = injected(object, cluster)
    expect(misfits({ ...result, spec: withoutNulls(result['spec'] ?? null) }, 'V1Pod', 'pod')).toEqual([])

    const [containers, initContainers] = [
      elementsAt(result, 'spec', 'containers'),
      elementsAt(result, 'spec', 'initContainers'),
    ]
    const all = [...containers, ...initContainers]
    const names = all.map((container) => textAt(container, 'name'))
    expect(new Set(names).size).toBe(names.length)
    // Only an init container may ask for it before Kubernetes 1.34.
    expect(containers.map((container) => textAt(container, 'restartPolicy'))).not.toContain('Always')

    const ours = all.find((container) => textAt(container, 'name') === 'vxtap') ?? null
    expect(textAt(ours, 'restartPolicy')).toBe(kind === 'native' ? 'Always' : undefined)
    for (const port of elementsAt(ours, 'ports')) {
      expect(textAt(port, 'name')).toMatch(/^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/)
      expect(port).not.toHaveProperty('hostPort')
    }
    const variables = elementsAt(ours, 'env').map((variable) => textAt(variable, 'name'))
    expect(new Set(variables).size).toBe(variables.length)
    const volumes = elementsAt(result, 'spec', 'volumes').map((volume) => textAt(volume, 'name'))
    expect(new Set(volumes).size).toBe(volumes.length)
    for (const mount of elementsAt(ours, 'volumeMounts')) expect(volumes).toContain(textAt(mount, 'name'))
  })
})

it('a field that the API does not have is found', () => {
  const wrong = { spec: { containers: [{ name: 7, restartPolicies: 'Always', ports: [{ containerPort: '80' }] }] } }
  expect(misfits(wrong, 'V1Pod', 'pod')).toEqual([
    'pod.spec.containers[0].name is no string',
    'pod.spec.containers[0].restartPolicies is unknown',
    'pod.spec.containers[0].ports[0].containerPort is no number',
  ])
})

/** An absent list and one that is null are the same to the API server. */
const withoutNulls = (spec: Json): Json =>
  isObject(spec) ? Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null)) : spec
