import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mutatingPolicies } from './world/abilities.ts'
import { imageOptions, imageRepository } from './world/images.ts'
import { apply, eventually, getObject, type KubeObject, kubectl, kubectlWithWarnings, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { chart, documented, helm, release as webhookRelease } from './world/release.ts'
import { sidecarOf, statusOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const release = 'static'
const install = [
  ...['install', release, chart, '--namespace', release, '--create-namespace', '--wait', '--timeout', '90s'],
  ...['--set', `image.repository=${imageRepository}`, ...imageOptions(), '--set', 'injection.mode=policy'],
  ...['--set', 'excludedNamespaces={kube-system,webhook-shop}'],
  ...['--set', `defaults.sensor=${documented.sensor}`, '--set', `defaults.sensor-namespace=${documented.sensors}`],
]

interface Configuration {
  readonly webhooks: readonly { readonly namespaceSelector: { readonly matchExpressions: readonly object[] } }[]
}

/** Keeps the injector of the other scenarios' release out of a namespace, where the policy is to be alone. */
async function keepWebhooksOut(namespace: string): Promise<() => Promise<void>> {
  const place = ['mutatingwebhookconfiguration', webhookRelease] as const
  const { webhooks } = await getObject<Configuration>('default', ...place)
  const expression = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [namespace] }
  const patch = (op: 'add' | 'remove') =>
    kubectl([
      ...['patch', ...place, '--type=json', '-p'],
      JSON.stringify(
        webhooks.map(({ namespaceSelector }, index) => ({
          op,
          path: `/webhooks/${index}/namespaceSelector/matchExpressions/${namespaceSelector.matchExpressions.length}`,
          ...(op === 'add' ? { value: expression } : {}),
        })),
      ),
    ])
  await patch('add')
  return async () => void (await patch('remove'))
}

if (mutatingPolicies) {
  const annotations = { 'vxtap.io/sensor': documented.sensor, 'vxtap.io/sensor-namespace': documented.sensors }
  const byPolicy = useNamespace('static-shop', { annotations })
  const byWebhook = useNamespace('webhook-shop', { annotations })
  const byBoth = useNamespace('both-shop', { annotations })
  let letWebhooksIn: (() => Promise<void>) | undefined

  beforeAll(async () => {
    letWebhooksIn = await keepWebhooksOut(byPolicy)
    await helm(...install)
    // The API server compiles a policy in the background.
    await eventually('the policy is in force', async () => {
      const said = await kubectl(
        ['create', '--dry-run=server', '-o', 'json', '-f', '-'],
        JSON.stringify(pod({ name: 'probe', namespace: byPolicy, labels: optIn })),
      )
      return said.includes('vxtap.io/status')
    })
  }, 120_000)
  afterAll(async () => {
    await helm('uninstall', release, '--namespace', release, '--ignore-not-found')
    await kubectl(['delete', 'namespace', release, '--wait=false', '--ignore-not-found'])
    await letWebhooksIn?.()
  })

  describe('given a policy and no injector', () => {
    it('when the release is looked at, then nothing of it runs', async () => {
      expect(await kubectl(['-n', release, 'get', 'pods,services,secrets', '-o', 'name', '-l', 'owner!=helm'])).toBe('')
    })

    it('when a labelled pod is created, then it is tapped, and its sidecar runs before the application', async () => {
      await apply(pod({ name: 'labelled', namespace: byPolicy, labels: optIn }))
      const created = await ready(byPolicy, 'labelled')
      expect(created.spec.initContainers?.[0]).toMatchObject({ name: 'vxtap', restartPolicy: 'Always' })
      expect(statusOf(created)).toMatchObject({ native: true, sensor: documented.sensor, volumes: ['vxtap-token'] })
    })

    it('when a pod says nothing, or opts out, then it is left as it is', async () => {
      await apply(pod({ name: 'silent', namespace: byPolicy }))
      await apply(pod({ name: 'unwilling', namespace: byPolicy, labels: { 'vxtap.io/inject': 'false' } }))
      for (const each of ['silent', 'unwilling']) expect(sidecarOf(await ready(byPolicy, each))).toBeUndefined()
    })

    it('when a pod opts in by annotation, or its namespace does by label, then it is tapped', async () => {
      const annotations = { 'vxtap.io/inject': 'true' }
      expect(sidecarOf(await dryRun(byPolicy, { annotations }))).toBeDefined()
      await kubectl(['label', 'namespace', byPolicy, 'vxtap.io/inject=true'])
      try {
        await eventually('the API server has seen the label', async () => sidecarOf(await dryRun(byPolicy, {})))
      } finally {
        await kubectl(['label', 'namespace', byPolicy, 'vxtap.io/inject-'])
      }
    })

    it.each([
      ['nothing', {}],
      ['a VNI and a filter', { vni: '0x2A', filter: 'not port 443 and host 10.0.0.1', snaplen: '256' }],
      ['another sensor', { sensor: 'arkime', 'sensor-namespace': '*', 'sensor-port': '4790' }],
      ['a dollar in the filter', { filter: 'ether[0] & 1 = 0 and $x' }],
      ['a request above its limit', { 'cpu-limit': '40m', 'memory-request': '300Mi' }],
      ['that it waits', { hold: 'true' }],
      ['the rest', { direction: 'in', segment: 'wire', engine: 'ring', batch: 'mmsg', 'max-mbps': '200' }],
    ])('when a pod asks for %s, then its sidecar is the one that the webhook injects', async (_what, settings) => {
      const annotations = Object.fromEntries(Object.entries(settings).map(([key, text]) => [`vxtap.io/${key}`, text]))
      const [ours, theirs] = await Promise.all([
        dryRun(byPolicy, { labels: optIn, annotations }),
        dryRun(byWebhook, { labels: optIn, annotations }),
      ])
      expect([ours, theirs].map((each) => statusOf(each)?.volumes)).toEqual([['vxtap-token'], []])
      expect(comparable(ours)).toEqual(comparable(theirs))
    })

    it('when an injector is asked as well, then it leaves alone what has the sidecar already', async () => {
      const created = await dryRun(byBoth, { labels: optIn })
      const names = [...(created.spec.initContainers ?? []), ...created.spec.containers].map((each) => each.name)
      expect(names).toEqual(['vxtap', 'app'])
      expect(statusOf(created)?.volumes).toEqual(['vxtap-token'])
    })

    it.each([
      [
        'a VNI that is none',
        { annotations: { 'vxtap.io/vni': '16777216' } },
        /vxtap\.io\/vni=16777216 is not allowed.*\(invalid_annotation\)/,
      ],
      [
        'an address as sensor',
        { annotations: { 'vxtap.io/sensor': '192.0.2.1' } },
        /vxtap\.io\/sensor=192\.0\.2\.1 is not allowed/,
      ],
      ['another image', { annotations: { 'vxtap.io/image': 'evil' } }, /\(override_not_allowed\)/],
      [
        'an annotation that does not exist',
        { annotations: { 'vxtap.io/filtre': 'tcp' } },
        /vxtap\.io\/filtre.*\(override_not_allowed\)/,
      ],
      ['its node’s network', { spec: { hostNetwork: true } }, /\(host_network\)/],
      ['Windows', { spec: { os: { name: 'windows' } } }, /\(windows\)/],
      ['a container of our name', { spec: { initContainers: [{ name: 'vxtap', image: 'x' }] } }, /\(name_taken\)/],
    ])('when a pod has %s, then it is left as it is, and kubectl prints why', async (_what, extra, sentence) => {
      const { spec, ...meta } = { spec: {}, ...extra }
      const manifest = pod({ name: 'refused', namespace: byPolicy, labels: optIn, ...meta }) as { spec: object }
      const said = await kubectlWithWarnings(
        ['create', '--dry-run=server', '-o', 'json', '-f', '-'],
        JSON.stringify({ ...manifest, spec: { ...manifest.spec, ...spec } }),
      )
      expect(said).toMatch(sentence)
      expect(said).not.toContain('NET_RAW"')
    })

    it('when its namespace enforces Pod Security, then the pod is left as it is, and kubectl prints why', async () => {
      await kubectl(['label', 'namespace', byPolicy, 'pod-security.kubernetes.io/enforce=baseline', '--overwrite'])
      try {
        await eventually('the API server has seen the level', async () => {
          const said = await kubectlWithWarnings(
            ['create', '--dry-run=server', '-o', 'name', '-f', '-'],
            JSON.stringify(pod({ name: 'strict', namespace: byPolicy, labels: optIn })),
          )
          return /baseline, which forbids the capability NET_RAW.*\(pod_security_forbids_net_raw\)/.test(said)
        })
      } finally {
        await kubectl(['label', 'namespace', byPolicy, 'pod-security.kubernetes.io/enforce=privileged', '--overwrite'])
      }
    })

    it('when helm test runs, then it taps a pod and sees its packets', async () => {
      expect(await helm('test', release, '--namespace', release)).toContain('Phase:          Succeeded')
    }, 180_000)

    it('when it is uninstalled, then no policy is left', async () => {
      await helm('uninstall', release, '--namespace', release)
      const kinds =
        'mutatingadmissionpolicy,mutatingadmissionpolicybinding,validatingadmissionpolicy,validatingadmissionpolicybinding'
      expect(await kubectl(['get', kinds, '-l', `app.kubernetes.io/instance=${release}`, '-o', 'name'])).toBe('')
    })
  })
} else {
  describe('given an API server without mutating policies', () => {
    it('when injection by policy is asked for, then helm says from which release on there are some', async ({
      annotate,
    }) => {
      await annotate('`helm install` refuses it, and says why', 'instead')
      await expect(helm(...install)).rejects.toThrow(
        /injection\.mode is policy and this cluster is v1\.\d+.*from Kubernetes 1\.36 on/,
      )
    })
  })
}

/** What the API server would make of such a pod. */
async function dryRun(namespace: string, meta: object): Promise<KubeObject> {
  const manifest = pod({ name: 'dry', namespace, ...meta })
  return JSON.parse(await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], JSON.stringify(manifest)))
}

/**
 * The sidecar but for its token's mount (a policy brings a token of its own, the webhook takes the pod's), and for what
 * only a program can know, that both nodes of the suite's own cluster share a kernel.
 */
function comparable(created: KubeObject): object {
  const { volumeMounts, env, ...rest } = sidecarOf(created) as unknown as {
    readonly volumeMounts: readonly object[]
    readonly env: readonly { readonly name: string }[]
  }
  expect(volumeMounts).toHaveLength(1)
  const known = env.filter(({ name }) => name !== 'SHARED_KERNEL')
  return { ...rest, env: known.toSorted((one, other) => one.name.localeCompare(other.name)) }
}
