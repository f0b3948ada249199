/** Who may do what in the cluster: certificates of the servers, tokens of the clients, kubeconfig files. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority } from '../../lab/certificates.ts'
import { apiPort, type NodeAddresses, type Plans, urlHost } from './addresses.ts'

export interface Credentials {
  readonly folder: string
  /** Path of a file in the folder. */
  file(name: string): string
}

/** Users beside the nodes, with their groups, as the API server's own roles are bound to. */
const users: readonly (readonly [user: string, group: string])[] = [
  ['admin', 'system:masters'],
  ['system:kube-controller-manager', ''],
  ['system:kube-scheduler', ''],
  ['system:kube-proxy', ''],
]

/** The common name of the certificate that the API server shows to webhooks. */
export const webhookClientName = 'apiserver-webhook-client'

/**
 * Writes everything into `folder`: ca.crt, apiserver.*, apiserver-kubelet.*, apiserver-webhook.*, NODE.*, sa.*, tokens.csv,
 * *.kubeconfig, admission.json
 */
export function writeCredentials(folder: string, nodes: readonly NodeAddresses[], networks: Plans): Credentials {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = (name: string): string => join(folder, name)
  const authority = createAuthority('vxtap-test-cluster', 7)
  const issue = (name: string, commonName: string, names: readonly string[]): void => {
    const pair = authority.issue({ commonName, names })
    writeFileSync(file(`${name}.crt`), pair.certificate)
    writeFileSync(file(`${name}.key`), pair.key, { mode: 0o600 })
  }
  writeFileSync(file('ca.crt'), authority.certificate)
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  const own = networks.flatMap(({ apiService, controlPlane, loopback }) => [apiService, controlPlane, loopback])
  issue('apiserver', 'kube-apiserver', [...service, 'localhost', ...own])
  issue('apiserver-kubelet', 'kube-apiserver-kubelet-client', ['kube-apiserver'])
  issue('apiserver-webhook', webhookClientName, [])
  writeFileSync(file('webhook-client.kubeconfig'), JSON.stringify(webhookClient(file)), { mode: 0o600 })
  writeFileSync(file('admission.json'), JSON.stringify(admission(file('webhook-client.kubeconfig'))))
  for (const node of nodes)
    issue(node.name, `system:node:${node.name}`, [node.name, ...node.addresses.map(({ address }) => address)])

  const account = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(file('sa.key'), account.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  writeFileSync(file('sa.pub'), account.publicKey.export({ type: 'spki', format: 'pem' }))

  const all = [...users, ...nodes.map(({ name }) => [`system:node:${name}`, 'system:nodes'] as const)]
  const tokens = all.map(([user, group]) => {
    const token = randomBytes(24).toString('hex')
    writeFileSync(file(`${user.replace(/^.*:/, '')}.kubeconfig`), kubeconfig(token, authority.certificate, networks), {
      mode: 0o600,
    })
    return `${token},${user},${user},"${group}"`
  })
  writeFileSync(file('tokens.csv'), `${tokens.join('\n')}\n`, { mode: 0o600 })
  return { folder, file }
}

const kubeconfig = (token: string, authority: string, [{ controlPlane }]: Plans): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'vxtap',
        cluster: {
          server: `https://${urlHost(controlPlane)}:${apiPort}`,
          'certificate-authority-data': Buffer.from(authority).toString('base64'),
        },
      },
    ],
    users: [{ name: 'vxtap', user: { token } }],
    contexts: [{ name: 'vxtap', context: { cluster: 'vxtap', user: 'vxtap' } }],
    'current-context': 'vxtap',
  })

/** Who the API server is to webhooks, all of them. */
const webhookClient = (file: (name: string) => string): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  users: [
    {
      name: '*',
      user: { 'client-certificate': file('apiserver-webhook.crt'), 'client-key': file('apiserver-webhook.key') },
    },
  ],
})

const admission = (kubeConfigFile: string): object => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AdmissionConfiguration',
  plugins: [
    {
      name: 'MutatingAdmissionWebhook',
      configuration: {
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'WebhookAdmissionConfiguration',
        kubeConfigFile,
      },
    },
  ],
})
