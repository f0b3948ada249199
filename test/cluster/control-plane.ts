/** etcd, API server, controller manager and scheduler, on a machine of their own that has neither kubelet nor kube-proxy. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../lab/network/command.ts'
import { apiPort, joined, listenAddress, type Plans } from './addresses.ts'
import type { Credentials } from './credentials.ts'
import { type Daemon, startAgain, startDaemon, until } from './daemon.ts'
import type { Programs } from './programs/build.ts'

/** Comes back when the API server is ready. */
export async function startControlPlane(
  programs: Programs,
  credentials: Credentials,
  folder: string,
  networks: Plans,
): Promise<void> {
  mkdirSync(join(folder, 'log'), { recursive: true })
  const start = (name: string, program: string, flags: Readonly<Record<string, string>>): Daemon =>
    startDaemon(name, [program, ...Object.entries(flags).map(([k, v]) => `--${k}=${v}`)], join(folder, 'log', name))
  const kube = (name: string): string => join(programs.kubernetes, name)
  const { file } = credentials

  const etcdUrl = 'http://127.0.0.1:2379'
  const peerUrl = 'http://127.0.0.1:2380'
  start('etcd', join(programs.etcd, 'etcd'), {
    name: 'e',
    'data-dir': join(folder, 'etcd'),
    // A cluster that lives for minutes has nothing to lose.
    'unsafe-no-fsync': 'true',
    'listen-client-urls': etcdUrl,
    'advertise-client-urls': etcdUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `e=${peerUrl}`,
    'log-level': 'warn',
  })
  const apiServer = startAgain(
    () => start('kube-apiserver', kube('kube-apiserver'), apiServerFlags(file, etcdUrl, networks)),
    join(folder, 'kube-apiserver.pid'),
  )
  const kubectl = [kube('kubectl'), '--kubeconfig', file('admin.kubeconfig')]
  await until('the API server is ready', apiServer, async () => {
    return (await run([...kubectl, 'get', '--raw', '/readyz'])) === 'ok'
  })
  const client = (name: string) => ({
    kubeconfig: file(`${name}.kubeconfig`),
    'authentication-kubeconfig': file(`${name}.kubeconfig`),
    'authorization-kubeconfig': file(`${name}.kubeconfig`),
    'bind-address': '127.0.0.1',
    'leader-elect': 'false',
  })
  start('kube-controller-manager', kube('kube-controller-manager'), {
    ...client('kube-controller-manager'),
    // The default rate makes a new namespace wait seconds for its service account.
    'kube-api-qps': '300',
    'kube-api-burst': '600',
    'use-service-account-credentials': 'true',
    'service-account-private-key-file': file('sa.key'),
    'root-ca-file': file('ca.crt'),
    'allocate-node-cidrs': 'false',
    'cluster-cidr': joined(networks, 'podNetwork'),
    'flex-volume-plugin-dir': join(folder, 'volume-plugins'),
  })
  start('kube-scheduler', kube('kube-scheduler'), client('kube-scheduler'))
}

const apiServerFlags = (
  file: (name: string) => string,
  etcdUrl: string,
  networks: Plans,
): Readonly<Record<string, string>> => ({
  'etcd-servers': etcdUrl,
  'advertise-address': networks[0].controlPlane,
  'bind-address': listenAddress(networks),
  'secure-port': String(apiPort),
  'service-cluster-ip-range': joined(networks, 'serviceNetwork'),
  'tls-cert-file': file('apiserver.crt'),
  'tls-private-key-file': file('apiserver.key'),
  'client-ca-file': file('ca.crt'),
  'token-auth-file': file('tokens.csv'),
  'authorization-mode': 'Node,RBAC',
  'enable-admission-plugins': 'NodeRestriction',
  // Webhooks that ask for a client certificate get one.
  'admission-control-config-file': file('admission.json'),
  'allow-privileged': 'true',
  'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
  'service-account-key-file': file('sa.pub'),
  'service-account-signing-key-file': file('sa.key'),
  'kubelet-client-certificate': file('apiserver-kubelet.crt'),
  'kubelet-client-key': file('apiserver-kubelet.key'),
  'kubelet-certificate-authority': file('ca.crt'),
  'kubelet-preferred-address-types': 'InternalIP',
  // There is no kube-proxy here: webhooks are called at their pods, as many hosted control planes do.
  'enable-aggregator-routing': 'true',
})
