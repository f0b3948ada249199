import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../injector/json.ts'
import { objectAt } from '../../../injector/json.ts'
import { type ClusterFacts, type InjectionConfig, plan } from '../../../injector/plan.ts'
import { annotated, config, modern, namespace, old, optedIn, pod } from './fixtures.ts'

function injectionInto(object: JsonObject, cluster: ClusterFacts = modern, changes: Partial<InjectionConfig> = {}) {
  const decision = plan(object, namespace(), cluster, { ...config, ...changes })
  if (decision.outcome !== 'inject' || decision.injection.kind !== 'add') throw new Error(decision.sentence)
  return { ...decision.injection, warnings: decision.warnings }
}

const environment = (container: JsonObject) =>
  Object.fromEntries((container['env'] as { name: string; value?: string }[]).map(({ name, value }) => [name, value]))

describe('the container', () => {
  it('runs as root with NET_RAW and nothing else, whatever the pod says', () => {
    const { container } = injectionInto(pod(undefined, { securityContext: { runAsNonRoot: true, runAsUser: 1000 } }))
    expect(container['securityContext']).toEqual({
      runAsUser: 0,
      runAsNonRoot: false,
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
      seccompProfile: { type: 'RuntimeDefault' },
    })
  })

  it('has NET_ADMIN as well where the kernel is to mirror and the operator lets pods say so, and is then not waited for', () => {
    const kernel = annotated({ 'vxtap.io/engine': 'kernel', 'vxtap.io/hold': 'true' })
    const allowedOverrides = new Set(['engine', 'hold', 'engine-kernel'])
    const { container, warnings } = injectionInto(kernel, modern, { allowedOverrides })
    expect(container['securityContext']).toMatchObject({
      capabilities: { drop: ['ALL'], add: ['NET_RAW', 'NET_ADMIN'] },
    })
    expect(environment(container)['ENGINE']).toBe('kernel')
    expect(container['startupProbe']).toBeUndefined()
    expect(warnings.join()).toContain('vxtap.io/hold has no effect with vxtap.io/engine: kernel')
  })

  it('is refused where a pod asks for engine kernel and the operator has not allowed just that; a namespace may ask', () => {
    const rules = { ...config, allowedOverrides: new Set(['engine']) }
    const decision = plan(annotated({ 'vxtap.io/engine': 'kernel' }), namespace(), modern, rules)
    expect(decision).toMatchObject({ outcome: 'skip', reason: 'override_not_allowed' })
    expect(decision.sentence).toContain('vxtap.io/engine to kernel, which needs NET_ADMIN')
    expect(decision.remedy).toContain("list engine-kernel in the injector's allowedOverrides")
    expect(plan(annotated({ 'vxtap.io/engine': 'ring' }), namespace(), modern, rules).outcome).toBe('inject')
    expect(plan(annotated({}), namespace({}, { 'vxtap.io/engine': 'kernel' }), modern, rules).outcome).toBe('inject')
  })

  it('has the settings of the pod before those of the operator, and leaves the rest to the sidecar', () => {
    const { container } = injectionInto(annotated({ 'vxtap.io/vni': '0x2a', 'vxtap.io/sensor': 'suricata' }), modern, {
      defaults: { ...config.defaults, vni: '7', snaplen: '128' },
    })
    const { SENSOR, VNI, SNAPLEN, ...rest } = environment(container)
    expect({ SENSOR, VNI, SNAPLEN }).toEqual({ SENSOR: 'suricata', VNI: '0x2a', SNAPLEN: '128' })
    expect(Object.keys(rest).sort()).toEqual(['NODE_NAME', 'POD_NAME', 'POD_NAMESPACE', 'ZONE'])
  })

  it('tells the sidecar where nodes are containers of one machine, and only there', () => {
    const told = (cluster: ClusterFacts) =>
      environment(injectionInto(annotated({}), cluster).container)['SHARED_KERNEL']
    expect(told({ ...modern, sharedKernel: true })).toBe('true')
    expect(told({ ...modern, sharedKernel: false })).toBeUndefined()
  })

  it("keeps the namespace's settings below the pod's and above the operator's", () => {
    const facts = namespace({}, { 'vxtap.io/vni': '5', 'vxtap.io/direction': 'in' })
    const decision = plan(annotated({ 'vxtap.io/vni': '6' }), facts, modern, {
      ...config,
      defaults: { ...config.defaults, direction: 'out' },
    })
    if (decision.outcome !== 'inject' || decision.injection.kind !== 'add') throw new Error(decision.sentence)
    expect(environment(decision.injection.container)).toMatchObject({ VNI: '6', DIRECTION: 'in' })
  })

  it('escapes what the kubelet would expand', () => {
    const { container } = injectionInto(annotated({ 'vxtap.io/filter': 'host $(POD_NAME) or $$' }))
    expect(environment(container)['FILTER']).toBe('host $$(POD_NAME) or $$$$')
  })

  it('always has requests and limits', () => {
    const { container } = injectionInto(annotated({ 'vxtap.io/cpu-limit': '500m' }))
    expect(container['resources']).toEqual({
      requests: { cpu: '50m', memory: '96Mi' },
      limits: { cpu: '500m', memory: '256Mi' },
    })
  })

  it('given a request above the limit, lowers the request and says so', () => {
    const { container, warnings } = injectionInto(annotated({ 'vxtap.io/memory-limit': '64Mi' }))
    expect(objectAt(container, 'resources', 'requests')['memory']).toBe('64Mi')
    expect(warnings.join()).toContain('memory request 96Mi is above its limit 64Mi')
  })

  it('given a pod of QoS class Guaranteed, says that it is no longer one, unless requests and limits are the same', () => {
    const limits = { cpu: '2', memory: '1Gi' }
    const guaranteed = (annotations: JsonObject, requests: JsonObject = limits) =>
      pod({ labels: optedIn, annotations }, { containers: [{ name: 'a', resources: { limits, requests } }] })
    const fixed = { 'vxtap.io/cpu-request': '1', 'vxtap.io/memory-request': '256Mi' }
    expect(injectionInto(guaranteed({})).warnings.join()).toContain('Burstable')
    expect(injectionInto(guaranteed(fixed)).warnings).toEqual([])
    expect(injectionInto(guaranteed({}, { cpu: '1' })).warnings).toEqual([])
  })

  it('given requests and limits of the pod as a whole, adds none that they would have to hold', () => {
    const { container } = injectionInto(pod(undefined, { resources: { limits: { cpu: '1' } } }))
    expect(container['resources']).toEqual({})
  })

  it('leaves a metrics port to the application that declares it, and moves its own', () => {
    const ports = (...numbers: number[]) =>
      pod(undefined, { containers: [{ name: 'a', ports: numbers.map((containerPort) => ({ containerPort })) }] })
    expect(injectionInto(ports(80)).container['ports']).toMatchObject([{ name: 'vxtap-metrics', containerPort: 14789 }])
    const { container } = injectionInto(ports(14789, 14790))
    expect(container['ports']).toMatchObject([{ name: 'vxtap-metrics', containerPort: 14791 }])
    expect(environment(container)['METRICS_ADDRESS']).toBe(':14791')
  })

  it('given hold, a native sidecar lets the application wait until it captures', () => {
    const { container } = injectionInto(annotated({ 'vxtap.io/hold': 'true' }))
    expect(container['startupProbe']).toMatchObject({ httpGet: { path: '/readyz?hold', port: 'vxtap-metrics' } })
  })

  it('given hold, an ordinary sidecar has no probe and the author is told', () => {
    const { container, warnings } = injectionInto(annotated({ 'vxtap.io/hold': 'true' }), old)
    expect(container).not.toHaveProperty('startupProbe')
    expect(warnings.join()).toContain('vxtap.io/hold')
  })

  it('without hold has no probe of any kind', () => {
    expect(Object.keys(injectionInto(pod()).container).filter((name) => name.endsWith('Probe'))).toEqual([])
  })
})

describe("the service account's token", () => {
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
  const authority = { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }
  const handMade = (source: JsonObject) =>
    pod(undefined, {
      containers: [{ name: 'a', volumeMounts: [{ name: 'mine', mountPath }] }],
      volumes: [{ name: 'mine', ...source }],
    })

  it("is mounted from the sibling's volume", () => {
    const { container, volume } = injectionInto(pod())
    expect(container['volumeMounts']).toEqual([{ name: 'kube-api-access-x7k2p', mountPath, readOnly: true }])
    expect(volume).toBeUndefined()
  })

  it("is mounted from the API server's volume where no sibling mounts it", () => {
    const { container, volume } = injectionInto(pod(undefined, { containers: [{ name: 'a' }] }))
    expect(container['volumeMounts']).toMatchObject([{ name: 'kube-api-access-x7k2p' }])
    expect(volume).toBeUndefined()
  })

  it('comes from a volume of our own where the pod has none, in our container alone', () => {
    const { container, volume, status } = injectionInto(
      pod(undefined, { volumes: [], automountServiceAccountToken: false }),
    )
    expect(container['volumeMounts']).toEqual([{ name: 'vxtap-token', mountPath, readOnly: true }])
    expect(volume).toMatchObject({ name: 'vxtap-token', projected: { sources: [{ serviceAccountToken: {} }, {}, {}] } })
    expect(status.volumes).toEqual(['vxtap-token'])
  })

  describe.each([
    ['a token for somebody else', [{ serviceAccountToken: { path: 'token', audience: 'vault' } }, authority]],
    ['a token alone', [{ serviceAccountToken: { path: 'token' } }]],
    ['no token', [authority]],
  ])('where a sibling mounts %s in its place', (_what, sources) => {
    it('comes from a volume of our own', () => {
      const { container, volume } = injectionInto(handMade({ projected: { sources } }))
      expect(container['volumeMounts']).toMatchObject([{ name: 'vxtap-token' }])
      expect(volume).toMatchObject({ name: 'vxtap-token' })
    })
  })

  it.each([
    ['projected by hand', { projected: { sources: [{ serviceAccountToken: { path: 'token' } }, authority] } }],
    ['of a Secret, as before Kubernetes 1.22', { secret: { secretName: 'default-token-x7k2p' } }],
  ])("is mounted from a sibling's volume %s", (_what, source) => {
    const { container, volume } = injectionInto(handMade(source))
    expect(container['volumeMounts']).toMatchObject([{ name: 'mine' }])
    expect(volume).toBeUndefined()
  })

  it.each(['192.0.2.7', '2001:db8::7', 'sensor.example.com'])('is not needed for the sensor %s', (sensor) => {
    const { container, volume } = injectionInto(pod({ labels: optedIn }, { volumes: [] }), modern, {
      defaults: { ...config.defaults, sensor },
    })
    expect(container).not.toHaveProperty('volumeMounts')
    expect(volume).toBeUndefined()
  })
})
