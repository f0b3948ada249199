/** A node: a network and mount namespace with containerd, kubelet and kube-proxy, wired to the others' bridge. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../lab/network/command.ts'
import { type NodeAddresses, type Plans, plans } from './addresses.ts'
import { makeControlGroup } from './cgroups.ts'
import type { Credentials } from './credentials.ts'
import { type Daemon, startDaemon, until } from './daemon.ts'
import { containerdSocket, ctrOn, importImage } from './image/import.ts'
import { bridge } from './network.ts'
import { cniConfig, containerdConfig, kubeletConfig, kubeProxyConfig, type NodePaths } from './node-config.ts'
import type { Programs } from './programs/build.ts'
import type { Release } from './versions.ts'

export interface NodeOptions {
  readonly node: NodeAddresses
  /** Every node, this one too. */
  readonly nodes: readonly NodeAddresses[]
  readonly networks: Plans
  readonly programs: Programs
  readonly release: Release
  readonly credentials: Credentials
  /** Shared by all: archives of images, log files. */
  readonly folder: string
  /** Control group for the pods of all nodes. */
  readonly controlGroup: string
  /** OCI archives that the node shall have. */
  readonly images: readonly string[]
}

export interface ClusterNode {
  readonly name: string
  /** The process whose namespaces are the node's. */
  readonly pid: number
  readonly containerd: Daemon
  /** And kube-proxy; gives the kubelet. */
  startKubelet(): Daemon
}

/** Comes back when containerd has every image. */
export async function startNode(options: NodeOptions): Promise<ClusterNode> {
  const { node, programs, credentials, release, networks } = options
  const folder = join(options.folder, node.name)
  const controlGroup = `${options.controlGroup}/${node.name}`
  mkdirSync(join(folder, 'cni'), { recursive: true })
  makeControlGroup(controlGroup)

  const log = (name: string): string => join(folder, `${name}.log`)
  const script = fileURLToPath(new URL('node.sh', import.meta.url))
  const ready = join(options.folder, `${node.name}.ready`)
  const holder = startDaemon(
    node.name,
    ['unshare', '--net', '--mount', '--propagation', 'private', '--', 'sh', script, ready],
    log('node'),
  )
  const pid = holder.child.pid ?? 0
  await until(`${node.name} has its namespaces`, holder, async () => existsSync(ready), 10)
  await connect(options, pid)

  const enter = ['nsenter', '-t', String(pid), '-m', '-n', '--']
  const paths: NodePaths = { folder, socket: containerdSocket, debian: programs.debian }
  const write = (name: string, content: string | object): string => {
    const file = join(folder, name)
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    return file
  }
  write('cni/10-pods.conflist', cniConfig(node))
  write('resolv.conf', `nameserver ${networks[0].controlPlane}\n`)
  const binaries = join(programs.debian, 'usr/bin')
  const containerd = startDaemon(
    `${node.name} containerd`,
    [...enter, join(binaries, 'containerd'), '-c', write('containerd.toml', containerdConfig(paths))],
    log('containerd'),
    // Its shim is looked for beside it, and on the search path.
    { PATH: `${binaries}:${join(programs.debian, 'usr/sbin')}:/usr/sbin:/usr/bin:/sbin:/bin` },
  )
  const ctr = join(binaries, 'ctr')
  const answers = async (): Promise<boolean> => (await run([...ctrOn(pid, ctr), 'version'])) !== ''
  await until(`containerd of ${node.name} answers`, containerd, answers, 20)
  for (const archive of options.images) await importImage(pid, ctr, archive)

  const startKubelet = (): Daemon => {
    const config = write('kubelet.json', kubeletConfig(node, paths, credentials, release, controlGroup, networks))
    const proxy = write('kube-proxy.json', kubeProxyConfig(node, credentials, release, networks))
    const kubelet = startDaemon(
      `${node.name} kubelet`,
      [
        ...[...enter, join(programs.kubernetes, 'kubelet'), `--config=${config}`],
        ...[`--kubeconfig=${credentials.file(`${node.name}.kubeconfig`)}`],
        ...[`--hostname-override=${node.name}`, `--node-ip=${node.addresses.map(({ address }) => address).join(',')}`],
      ],
      log('kubelet'),
    )
    startDaemon(
      `${node.name} kube-proxy`,
      [...enter, join(programs.kubernetes, 'kube-proxy'), `--config=${proxy}`],
      log('kube-proxy'),
    )
    return kubelet
  }
  return { name: node.name, pid, containerd, startKubelet }
}

/** An eth0 on the bridge, and routes to the pods of the other nodes. */
async function connect({ node, nodes }: NodeOptions, pid: number): Promise<void> {
  const inside = (...argv: string[]): Promise<string> => run(['nsenter', '-t', String(pid), '-n', 'ip', ...argv])
  await run(['ip', 'link', 'add', node.name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)])
  await run(['ip', 'link', 'set', node.name, 'master', bridge, 'up'])
  for (const { family, address } of node.addresses) {
    await inside('address', 'add', `${address}/${plans[family].nodeSubnetBits}`, 'dev', 'eth0')
  }
  await inside('link', 'set', 'eth0', 'up')
  for (const { family } of node.addresses) {
    await inside('route', 'add', plans[family].everywhere, 'via', plans[family].controlPlane)
  }
  for (const { name, addresses } of nodes) {
    if (name === node.name) continue
    for (const { podSubnet, address } of addresses) await inside('route', 'add', podSubnet, 'via', address)
  }
}
