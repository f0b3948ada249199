/** Every file of values under charts/vxtap/ci: linted, rendered, and what has to hold whatever the values are. */
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { settingsParser } from '../../injector/settings-file.ts'
import { createAuthority } from '../../lab/certificates.ts'
import { chart, helm, type Manifest, named, render, valuesFiles } from './rendered.ts'

interface Spec {
  readonly hostNetwork?: boolean
  readonly enableServiceLinks?: boolean
  readonly dnsPolicy?: string
  readonly imagePullSecrets?: readonly object[]
  readonly priorityClassName?: string
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly topologySpreadConstraints?: readonly object[]
  readonly containers: readonly {
    readonly image: string
    readonly args?: readonly string[]
    readonly securityContext?: Readonly<Record<string, unknown>>
    readonly ports?: readonly { readonly containerPort: number }[]
    readonly lifecycle?: object
    readonly env?: readonly { readonly name: string; readonly value?: string }[]
  }[]
}

const podSpec = ({ kind, spec }: Manifest): Spec =>
  (kind === 'Pod' ? spec : (spec?.['template'] as { spec: Spec } | undefined)?.spec) as Spec

const workloads = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.filter(({ kind }) => ['Deployment', 'Pod'].includes(kind))

const settingsText = (manifests: readonly Manifest[]): string =>
  named(manifests, 'ConfigMap', 'vxtap-settings').data?.['settings.yaml'] ?? ''
const settingsOf = (manifests: readonly Manifest[]) => parse(settingsText(manifests))

const clusterWide = [
  ...['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'MutatingWebhookConfiguration'],
  ...['MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding'],
  ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
]

describe.each(valuesFiles)('given the values of $file', ({ path }) => {
  it('when the chart is linted strictly, then helm has nothing to say against it', async () => {
    expect(await helm('lint', chart, '--strict', '--values', path)).toContain('0 chart(s) failed')
  })

  it('when it is rendered, then all that it makes has the release as its label, and a namespace where it takes one', async () => {
    const manifests = await render('--values', path)
    expect(manifests.length).toBeGreaterThan(6)
    for (const { kind, metadata } of manifests) {
      expect(metadata.labels, `${kind}/${metadata.name}`).toMatchObject({
        'app.kubernetes.io/name': 'vxtap',
        'app.kubernetes.io/instance': 'vxtap',
        'app.kubernetes.io/managed-by': 'Helm',
      })
      expect(metadata.namespace === undefined, `${kind}/${metadata.name}`).toBe(clusterWide.includes(kind))
    }
  })

  it('when it is rendered, then the injector takes its settings', async () => {
    const manifests = await render('--values', path)
    if (!manifests.some(({ metadata }) => metadata.name === 'vxtap-settings')) return
    const file = Buffer.from(settingsText(manifests))
    expect(settingsParser({ IMAGE: 'example.com/vxtap' })(file, 'settings.yaml')).toMatchObject({ ok: true })
  })

  it('when it is rendered, then no two objects are the same', async () => {
    const keys = (await render('--values', path)).map(
      ({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`,
    )
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('when it is rendered, then what Pod Security `restricted` asks for is in every container', async () => {
    for (const workload of workloads(await render('--values', path))) {
      const spec = podSpec(workload)
      expect(spec.enableServiceLinks, workload.metadata.name).toBe(false)
      for (const { securityContext } of spec.containers) {
        expect({ ...spec.securityContext, ...securityContext }, workload.metadata.name).toMatchObject({
          runAsNonRoot: true,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        })
      }
    }
  })
})

const of = (file: string): readonly string[] => {
  const found = valuesFiles.find((values) => values.file === `${file}-values.yaml`)
  if (found === undefined) throw new Error(`charts/vxtap/ci has no ${file}-values.yaml`)
  return ['--values', found.path]
}

const injectorOf = async (file: string): Promise<Spec> => podSpec(named(await render(...of(file)), 'Deployment'))

describe('given values that ask for something', () => {
  it('when nothing is asked for, then nothing is made that needs a custom resource, and no network policy', async () => {
    const kinds = new Set((await render(...of('defaults'))).map(({ kind }) => kind))
    for (const kind of ['PodMonitor', 'ServiceMonitor', 'PrometheusRule', 'NetworkPolicy', 'Certificate']) {
      expect(kinds).not.toContain(kind)
    }
  })

  it('when nothing is said of certificates, then nothing that is rendered is random, and nobody but the injectors holds any', async () => {
    const [manifests, again] = await Promise.all([render(...of('defaults')), render(...of('defaults'))])
    expect(manifests).toEqual(again)
    const empty = { metadata: { name: 'vxtap-certificates' } }
    expect(named(manifests, 'Secret')).toMatchObject({ ...empty, type: 'Opaque' })
    for (const kind of ['Secret', 'Lease']) {
      expect(named(manifests, kind)).not.toHaveProperty('data')
      expect(named(manifests, kind)).not.toHaveProperty('spec')
    }
    const configuration = named(manifests, 'MutatingWebhookConfiguration') as unknown as {
      webhooks: { clientConfig: object }[]
    }
    for (const { clientConfig } of configuration.webhooks) expect(clientConfig).not.toHaveProperty('caBundle')
    const environment = podSpec(named(manifests, 'Deployment')).containers[0]?.env
    expect(environment).toContainEqual({ name: 'CERTIFICATE_SOURCE', value: 'themselves' })
    expect(environment).toContainEqual({ name: 'WEBHOOK_NAME', value: 'vxtap' })
  })

  it.each(['own-certificate', 'cert-manager'])(
    'when the certificate is somebody else’s (%s), then the injectors read files and have no right to any Secret',
    async (file) => {
      const manifests = await render(...of(file))
      const environment = podSpec(named(manifests, 'Deployment')).containers[0]?.env
      expect(environment).toContainEqual({ name: 'CERTIFICATE_SOURCE', value: 'files' })
      expect(JSON.stringify(manifests)).not.toMatch(/"secrets"|"leases"|"mutatingwebhookconfigurations"/)
    },
  )

  it('when cert-manager issues it, then an authority signs it that stays, and no certificate signs itself', async () => {
    const manifests = await render(...of('cert-manager'), '--set', 'certificate.certManager.issuerRef=null')
    const [authority, serving] = ['vxtap-ca', 'vxtap'].map((name) => named(manifests, 'Certificate', name).spec)
    expect(authority).toMatchObject({
      ...{ isCA: true, secretName: 'vxtap-ca', privateKey: { rotationPolicy: 'Never' } },
      issuerRef: { kind: 'Issuer', name: 'vxtap-selfsigned' },
    })
    expect(serving).toMatchObject({ issuerRef: { kind: 'Issuer', name: 'vxtap-ca' } })
    expect(serving).not.toHaveProperty('isCA')
    expect(named(manifests, 'Issuer', 'vxtap-ca').spec).toEqual({ ca: { secretName: 'vxtap-ca' } })
  })

  it('when a digest is set, then injector, sidecars and test run exactly that, and pull with the secret', async () => {
    const manifests = await render(...of('digest-and-secrets'))
    const image = `vxtap.test:5000/network/vxtap@sha256:${'0123456789abcdef'.repeat(4)}`
    for (const workload of workloads(manifests)) {
      expect(podSpec(workload).containers[0]?.image).toBe(image)
      expect(podSpec(workload).imagePullSecrets).toEqual([{ name: 'registry' }])
    }
    const injector = named(manifests, 'Deployment', 'vxtap')
    expect(podSpec(injector).containers[0]?.env).toContainEqual({ name: 'IMAGE', value: image })
  })

  it("when it is to run in the nodes' network, then names still resolve and a rollout needs no second port", async () => {
    const deployment = named(await render(...of('host-network')), 'Deployment', 'vxtap')
    expect(podSpec(deployment)).toMatchObject({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' })
    expect(deployment.spec).toMatchObject({ strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } })
  })

  it('when the port is below 1024, then who is not root may listen on it', async () => {
    const spec = await injectorOf('low-port')
    expect(spec.securityContext).toMatchObject({
      sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
    })
    expect(spec.containers[0]?.ports?.[0]).toMatchObject({ containerPort: 443 })
  })

  it('when the policy of taps is all that changes, then no pod of the injectors does', async () => {
    const before = await render(...of('locked-down'))
    const after = await render(
      ...of('locked-down'),
      ...['--set', 'defaults.vni=42', '--set', 'defaults.sensor=zeek', '--set', 'allowedOverrides={vni}'],
      ...['--set', 'excludedNamespaces={shop}', '--set', 'podSecurity=skip', '--set', 'podSecurityDefault=restricted'],
      ...['--set', 'logLevel=debug'],
    )
    const changed = after.filter((manifest, index) => JSON.stringify(manifest) !== JSON.stringify(before[index]))
    expect(changed.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
      'ConfigMap/vxtap-settings',
      // Its selectors leave excluded namespaces out.
      'MutatingWebhookConfiguration/vxtap',
    ])
    expect(settingsOf(before)).toEqual({
      defaults: {
        ...{ sensor: '10.1.2.3', vni: '1000000', hold: 'true', 'max-mbps': '200', filter: 'not port 443' },
        'cpu-limit': '500m',
      },
      ...{ allowedOverrides: [], excludedNamespaces: [], podSecurity: 'ignore', podSecurityDefault: 'baseline' },
      logLevel: 'info',
    })
    expect(settingsOf(after)).toMatchObject({ defaults: { vni: '42' }, allowedOverrides: ['vni'], logLevel: 'debug' })
  })

  it('when a default is a fraction, or a large number, then it reaches the injectors as it is written', async () => {
    const defaults = '{"cpu-request": 0.25, "cpu-limit": 1.5, "max-mbps": 1000000}'
    const manifests = await render(...of('defaults'), '--set-json', `defaults=${defaults}`)
    expect(settingsOf(manifests).defaults).toMatchObject({
      ...{ 'cpu-request': '0.25', 'cpu-limit': '1.5', 'max-mbps': '1000000' },
    })
  })

  it('when no namespace is to be excluded, as null, then only the injectors’ own is', async () => {
    const manifests = await render(...of('defaults'), '--set', 'excludedNamespaces=null')
    expect(settingsOf(manifests).excludedNamespaces).toEqual([])
    expect(JSON.stringify(named(manifests, 'MutatingWebhookConfiguration'))).toContain('"values":["vxtap"]')
  })

  it('when the API server shows a client certificate, then the injectors are told who certifies it', async () => {
    const { certificate } = createAuthority('cluster')
    const clients = ['--set-string', `webhook.clientCa=${certificate}`, '--set', 'webhook.clientNames={a,b}']
    const manifests = await render(...of('defaults'), ...clients)
    const { data } = named(manifests, 'ConfigMap', 'vxtap-settings')
    expect(data?.['client-ca.crt']?.trim()).toBe(certificate.trim())
    const environment = podSpec(named(manifests, 'Deployment', 'vxtap')).containers[0]?.env
    expect(environment).toContainEqual({ name: 'CLIENT_CA_FILE', value: '/etc/vxtap/settings/client-ca.crt' })
    expect(environment).toContainEqual({ name: 'CLIENT_NAMES', value: 'a,b' })
    expect(JSON.stringify(await render(...of('defaults')))).not.toContain('CLIENT_')
  })

  it('when the sensor is asked for, then it is found by its label, leaves slowly, and taps go to it', async () => {
    const manifests = await render(...of('sensor'))
    const sensor = named(manifests, 'Deployment', 'vxtap-sensor')
    expect(sensor.spec).toMatchObject({ replicas: 2, template: { metadata: { labels: { run: 'vxtap-receive' } } } })
    const [receive] = podSpec(sensor).containers
    expect(receive?.args).toEqual(['receive', '--strict', '--port', '14789', '--vni', '42'])
    expect(settingsOf(manifests).defaults).toMatchObject({
      ...{ sensor: 'vxtap-receive', 'sensor-namespace': 'vxtap', 'sensor-port': '14789', vni: '42' },
    })
  })

  it.each([
    ['1.36.0', { sleep: { seconds: 1 } }],
    ['1.28.0', { exec: { command: ['node', '-e', 'setTimeout(() => {}, 1000)'] } }],
  ])(
    'when the cluster is %s, then the sensor waits before it ends in a way that it knows',
    async (version, preStop) => {
      const manifests = await render(...of('sensor'), '--kube-version', version)
      expect(podSpec(named(manifests, 'Deployment', 'vxtap-sensor')).containers[0]?.lifecycle).toEqual({ preStop })
    },
  )

  it.each([
    ['1.28.0', ['pod', 'namespace']],
    ['1.30.0', ['pod', 'namespace', 'annotation']],
  ])('when the cluster is %s, then pods opt in by %j', async (version, ways) => {
    const manifests = await render(...of('defaults'), '--kube-version', version)
    const configuration = named(manifests, 'MutatingWebhookConfiguration') as unknown as {
      webhooks: { name: string }[]
    }
    expect(configuration.webhooks.map(({ name }) => name)).toEqual(ways.map((way) => `${way}.inject.vxtap.io`))
  })

  it('when there is a Service monitor, then no injector is read twice, and sidecars still are', async () => {
    const monitors = (await render(...of('service-monitor'))).filter(({ kind }) => kind.endsWith('Monitor'))
    expect(monitors.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()).toEqual([
      'PodMonitor/vxtap-sidecars',
      'ServiceMonitor/vxtap',
    ])
  })

  it('when the network is closed, then only the named networks and pods come in', async () => {
    const { spec } = named(await render(...of('network-policy')), 'NetworkPolicy')
    expect(spec).toMatchObject({
      ingress: [
        {
          ports: [{ port: 'webhook' }],
          from: [{ ipBlock: { cidr: '10.0.0.0/28' } }, { ipBlock: { cidr: 'fd00::/64' } }],
        },
        { ports: [{ port: 'metrics' }], from: [{ podSelector: expect.anything() }] },
      ],
      egress: [{ ports: [{ port: 443 }, { port: 6443 }], to: [{ ipBlock: { cidr: '10.0.0.0/28' } }] }],
    })
  })

  it.each([
    ['defaults', 'on', ['namespaces', 'nodes', 'pods', 'events', 'mutatingwebhookconfigurations']],
    ['locked-down', 'off', ['namespaces', 'nodes', 'events', 'mutatingwebhookconfigurations']],
  ])(
    'when the values are %s, then blind spots are %s, and the injector may read what that takes',
    async (values, on, may) => {
      const manifests = await render(...of(values))
      const role = manifests.find(({ kind }) => kind === 'ClusterRole') as unknown as {
        rules: { resources: string[] }[]
      }
      expect(role.rules.flatMap(({ resources }) => resources)).toEqual(may)
      const environment = (await injectorOf(values)).containers[0]?.env
      expect(environment).toContainEqual({ name: 'BLIND_SPOTS', value: on })
    },
  )

  it('when the pods are to be placed, then the chart adds only the selector', async () => {
    const spec = await injectorOf('scheduling')
    expect(spec.priorityClassName).toBe('system-cluster-critical')
    expect(spec.topologySpreadConstraints).toMatchObject([
      { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: expect.anything() } },
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: expect.anything() } },
    ])
  })
})
