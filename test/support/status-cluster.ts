/** The lab's API server with an injector's Deployment, namespaces, nodes and pods, for `vxtap why` and `vxtap status`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubernetesObject, Pod } from '../../lab/apiserver/objects.ts'
import type { PodProxy } from '../../lab/apiserver/pod-proxy.ts'
import { type ApiServer, startApiServer } from '../../lab/apiserver/server.ts'
import { type Connection, connect } from '../../status/connect.ts'
import type { CommonOptions, Output } from '../../status/options.ts'

export const asks = { 'vxtap.io/inject': 'true' }
export const created = '2026-11-21T12:00:00Z'

export interface StatusCluster {
  readonly api: ApiServer
  readonly kubeconfig: string
  readonly connection: Connection
  /** A connection with the token of a service account, which may do what it was granted. */
  connectAs(token: string): Connection
  dispose(): Promise<void>
}

export async function startStatusCluster(podProxy?: PodProxy): Promise<StatusCluster> {
  const api = await startApiServer({
    namespaces: ['vxtap'],
    now: () => Date.parse(created),
    ...(podProxy === undefined ? {} : { podProxy }),
  })
  await api.namespaces.create({ metadata: { name: 'shop', labels: asks } })
  await api.nodes.create({
    metadata: { name: 'node1' },
    status: { nodeInfo: { kubeletVersion: 'v1.36.4', operatingSystem: 'linux' } },
  })
  await api.collection('deployments').create(injectorDeployment())
  await api.registerWebhook({ metadata: { name: 'vxtap', labels: { 'app.kubernetes.io/name': 'vxtap' } } })
  const folder = mkdtempSync(join(tmpdir(), 'vxtap-status-'))
  const kubeconfig = join(folder, 'config')
  const connections: Connection[] = []
  const connectAs = (token: string): Connection => {
    writeFileSync(kubeconfig, kubeconfigOf(api, token))
    const connection = connect({ kubeconfig })
    connections.push(connection)
    return connection
  }
  return {
    api,
    kubeconfig,
    connectAs,
    connection: connectAs(api.adminToken),
    async dispose() {
      for (const { rest } of connections) rest.close()
      rmSync(folder, { recursive: true })
      await api.close()
    },
  }
}

export function kubeconfigOf(api: { readonly url: string; readonly ca: string }, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'lab',
        cluster: { server: api.url, 'certificate-authority-data': Buffer.from(api.ca).toString('base64') },
      },
    ],
    users: [{ name: 'me', user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'me', namespace: 'shop' } }],
    'current-context': 'lab',
  })
}

export function injectorDeployment(ready = 2, environment: Readonly<Record<string, string>> = {}): KubernetesObject {
  const variables = { IMAGE: 'example.com/vxtap:0.2.0', DEFAULT_SENSOR: 'zeek', ...environment }
  return {
    metadata: {
      name: 'vxtap',
      namespace: 'vxtap',
      labels: {
        'app.kubernetes.io/name': 'vxtap',
        'app.kubernetes.io/component': 'injector',
        'app.kubernetes.io/version': '0.2.0',
      },
    },
    spec: {
      replicas: 2,
      template: {
        spec: {
          containers: [
            {
              name: 'injector',
              args: ['injector'],
              env: [
                ...Object.entries(variables).map(([name, value]) => ({ name, value })),
                { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
              ],
            },
          ],
        },
      },
    },
    status: { readyReplicas: ready },
  }
}

/** The same with its policy in a ConfigMap, as the chart makes it. */
export function withSettingsFile(deployment: KubernetesObject): KubernetesObject {
  const changed = structuredClone(deployment) as ReturnType<typeof injectorDeployment> & {
    spec: { template: { spec: { containers: { env: object[]; volumeMounts?: object[] }[]; volumes?: object[] } } }
  }
  const { spec } = changed.spec.template
  spec.volumes = [{ name: 'settings', configMap: { name: 'vxtap-settings' } }]
  for (const container of spec.containers) {
    container.env.push({ name: 'SETTINGS_FILE', value: '/etc/vxtap/settings/settings.yaml' })
    container.volumeMounts = [{ name: 'settings', mountPath: '/etc/vxtap/settings' }]
  }
  return changed
}

/** Of the Deployment `web`, running, without a sidecar. */
export function plainPod(name: string, changes: Pod = {}): Pod {
  const { metadata, spec, ...others } = changes
  return {
    metadata: {
      name,
      namespace: 'shop',
      labels: { 'pod-template-hash': '5d4' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4', uid: 'rs-1', controller: true }],
      ...metadata,
    },
    spec: { containers: [{ name: 'web', image: 'web:1' }], ...spec },
    status: { phase: 'Running' },
    ...others,
  }
}

export function tappedPod(name: string, version = '0.2.0'): Pod {
  const status = JSON.stringify({ version, container: 'vxtap', native: true, sensor: 'zeek', volumes: [] })
  const plain = plainPod(name)
  return plainPod(name, {
    metadata: { ...plain.metadata, name, annotations: { 'vxtap.io/status': status } },
    spec: {
      initContainers: [
        {
          name: 'vxtap',
          image: `example.com/vxtap:${version}`,
          args: ['sidecar'],
          restartPolicy: 'Always',
          ports: [{ name: 'vxtap-metrics', containerPort: 14789 }],
        },
      ],
    },
  })
}

/** As the sidecar writes them (sidecar/http.ts). */
export function metricsText(values: {
  sent?: number
  targets?: number
  capturing?: number
  dropped?: Record<string, number>
}): string {
  const { sent = 12345, targets = 1, capturing = 1, dropped = {} } = values
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  return [
    '# HELP vxtap_capturing 1 while the interface is being captured',
    '# TYPE vxtap_capturing gauge',
    `vxtap_capturing ${capturing}`,
    `vxtap_captured_frames_total ${sent + lost}`,
    `vxtap_sent_frames_total ${sent}`,
    ...Object.entries({ ring_full: 0, no_sensor: 0, ...dropped }).map(
      ([reason, count]) => `vxtap_dropped_frames_total{reason="${reason}"} ${count}`,
    ),
    `vxtap_targets ${targets}`,
    '',
  ].join('\n')
}

export const options: CommonOptions = {
  version: '0.2.0',
  namespace: undefined,
  injectorNamespace: undefined,
  output: 'text',
  health: true,
  timeoutMs: 500,
}

export function collected(colours = false): Output & { readonly text: () => string } {
  let text = ''
  return {
    colours,
    write: (piece) => {
      text += piece
    },
    text: () => text,
  }
}
