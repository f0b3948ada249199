/** The network that the machines of the cluster are on; it exists only inside the sandbox. */
import { writeFileSync } from 'node:fs'
import { run } from '../../lab/network/command.ts'
import { controlPlaneAddress, type NodeAddresses, nodeSubnetBits, serviceNetwork } from './addresses.ts'

export const bridge = 'machines'

/** The bridge, with the control plane's address on it. */
export async function makeNetwork(): Promise<void> {
  await run(['ip', 'link', 'add', bridge, 'type', 'bridge'])
  await run(['ip', 'address', 'add', `${controlPlaneAddress}/${nodeSubnetBits}`, 'dev', bridge])
  await run(['ip', 'link', 'set', bridge, 'up'])
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
}

/** From the control plane to pods, and to services by way of the first node's kube-proxy. */
export async function routeTo(nodes: readonly NodeAddresses[]): Promise<void> {
  for (const { podSubnet, address } of nodes) await run(['ip', 'route', 'add', podSubnet, 'via', address])
  await run(['ip', 'route', 'add', serviceNetwork, 'via', nodes[0]?.address ?? ''])
}
