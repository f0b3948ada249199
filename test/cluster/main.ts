/**
 * A Kubernetes cluster of a control plane and two nodes, for as long as one command runs.
 * Must run inside scripts/sandbox.sh, whose namespaces it fills and which clears everything away; scripts/cluster.sh
 * does both. The command finds the cluster by KUBECONFIG, and kubectl and helm on its PATH.
 * Usage: node test/cluster/main.ts COMMAND [ARGUMENT...]   (K8S=1.28 for another release,
 * IP_FAMILIES=6 for another network than the dual-stack one)
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../lab/network/command.ts'
import { nodeAddresses } from './addresses.ts'
import { startControlPlane } from './control-plane.ts'
import { webhookClientName, writeCredentials } from './credentials.ts'
import { until } from './daemon.ts'
import { dnsManifests } from './dns.ts'
import { chooseFamilies, ipv6Missing } from './families.ts'
import { makeArchives } from './image/archives.ts'
import { makeNetwork, routeTo } from './network.ts'
import { startNode } from './node.ts'
import { bringPrograms } from './programs/build.ts'
import { defaultRelease, releaseOf } from './versions.ts'

/** In the sandbox's own tmpfs. */
const folder = '/run/vxtap'

/** Seconds: a quiet machine needs a few, one that is busy otherwise may need this. */
const readySeconds = 180

const started = performance.now()
const say = (text: string): void => {
  process.stderr.write(`[cluster] ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}\n`)
}

async function startCluster(): Promise<Record<string, string>> {
  if (process.env['VXTAP_SANDBOX'] !== '1') throw new Error('a cluster needs a sandbox around it: scripts/cluster.sh')
  const release = releaseOf(process.env['K8S'] || defaultRelease)
  const { plans: networks, without } = chooseFamilies(process.env['IP_FAMILIES'] ?? '', await ipv6Missing(release))
  if (without !== undefined) say(`NO IPv6: ${without}. Scenarios about IPv6 will prove nothing, and say so`)
  const programs = await bringPrograms(release)
  mkdirSync(folder, { recursive: true })
  say('packing the images')
  const archives = await makeArchives(join(folder, 'images'), programs.coredns)
  const mebi = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  say(`images packed; vxtap's: ${mebi(archives.vxtap.compressed)} to pull, ${mebi(archives.vxtap.unpacked)} on disk`)

  const nodes = [nodeAddresses(1, networks), nodeAddresses(2, networks)]
  const credentials = writeCredentials(join(folder, 'credentials'), nodes, networks)
  await makeNetwork(networks)
  const controlGroup = process.env['VXTAP_CONTROL_GROUP'] ?? `vxtap-${process.pid}`
  const options = { nodes, networks, programs, release, credentials, folder, controlGroup, images: archives.files }
  const [clusterNodes] = await Promise.all([
    Promise.all(nodes.map((node) => startNode({ ...options, node }))),
    startControlPlane(programs, credentials, join(folder, 'control-plane'), networks),
  ])
  await routeTo(nodes, networks)
  say(`Kubernetes ${release.kubernetes}: the API server is ready, and both nodes have the images`)

  const kubeconfig = credentials.file('admin.kubeconfig')
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    run([join(programs.kubernetes, 'kubectl'), '--kubeconfig', kubeconfig, ...args], {
      timeoutMs: 1000 * (readySeconds + 20),
      ...(input === undefined ? {} : { input }),
    })
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: dnsManifests(networks) }))
  for (const { name, kubelet } of clusterNodes.map((node) => ({ ...node, kubelet: node.startKubelet() }))) {
    await until(`${name} has registered`, kubelet, async () => (await kubectl(['get', 'node', name])) !== '')
  }
  const ready = `--timeout=${readySeconds}s`
  try {
    await kubectl(['wait', '--for=condition=Ready', 'node', '--all', ready])
    say('both nodes are Ready')
    await kubectl(['-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', ready])
    say('CoreDNS answers')
  } catch (error) {
    // The kubelets' own logs end with the sandbox; what they told the API server says what they wait for.
    say(`not ready after ${readySeconds} s\n${await kubectl(['get', 'events', '--all-namespaces'])}`)
    throw error
  }
  return {
    KUBECONFIG: kubeconfig,
    K8S_VERSION: release.kubernetes,
    CLUSTER_FAMILIES: networks.map(({ family }) => family).join(','),
    CLUSTER_WITHOUT_IPV6: without ?? '',
    PATH: `${programs.kubernetes}:${programs.helm}:${process.env['PATH'] ?? ''}`,
    WEBHOOK_CLIENT_CA: credentials.file('ca.crt'),
    WEBHOOK_CLIENT_NAME: webhookClientName,
    API_SERVER_PID_FILE: join(folder, 'control-plane/kube-apiserver.pid'),
    CTR: join(programs.debian, 'usr/bin/ctr'),
    NODE_PIDS: clusterNodes.map(({ name, pid }) => `${name}=${pid}`).join(','),
  }
}

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error('usage: node test/cluster/main.ts COMMAND [ARGUMENT...]')
const environment = await startCluster()
const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  process.stderr.write(`[cluster] ${command}: ${error.message}\n`)
  process.exit(127)
})
// Everything else is the kernel's work: it ends all processes of the sandbox with its first.
child.on('exit', (code) => process.exit(code ?? 1))
