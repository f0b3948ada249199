/** The network that the machines of the cluster are on; it exists only inside the sandbox. */
import { existsSync, writeFileSync } from 'node:fs'
import { run } from '../../lab/network/command.ts'
import type { NodeAddresses, Plans } from './addresses.ts'

export const bridge = 'machines'

/**
 * Duplicate address detection would hold every address back for a second; forwarding also makes the machine a router,
 * which takes no other router's word.
 */
const routing: readonly (readonly [name: string, value: string])[] = [
  ['ipv4/ip_forward', '1'],
  ['ipv6/conf/all/disable_ipv6', '0'],
  ['ipv6/conf/default/disable_ipv6', '0'],
  ['ipv6/conf/all/accept_dad', '0'],
  ['ipv6/conf/default/accept_dad', '0'],
  ['ipv6/conf/all/forwarding', '1'],
]

/** The bridge, with the control plane's addresses on it. */
export async function makeNetwork(networks: Plans): Promise<void> {
  for (const [name, value] of routing) {
    const file = `/proc/sys/net/${name}`
    if (existsSync(file)) writeFileSync(file, value)
  }
  // Without snooping the bridge floods multicast, which neighbour discovery needs, at once and to everybody.
  await run(['ip', 'link', 'add', bridge, 'type', 'bridge', 'mcast_snooping', '0'])
  for (const { controlPlane, nodeSubnetBits } of networks) {
    await run(['ip', 'address', 'add', `${controlPlane}/${nodeSubnetBits}`, 'dev', bridge])
  }
  await run(['ip', 'link', 'set', bridge, 'up'])
}

/** From the control plane to pods, and to services by way of the first node's kube-proxy. */
export async function routeTo(nodes: readonly NodeAddresses[], networks: Plans): Promise<void> {
  for (const { addresses } of nodes) {
    for (const { podSubnet, address } of addresses) await run(['ip', 'route', 'add', podSubnet, 'via', address])
  }
  for (const { family, serviceNetwork } of networks) {
    const via = nodes[0]?.addresses.find((one) => one.family === family)?.address ?? ''
    await run(['ip', 'route', 'add', serviceNetwork, 'via', via])
  }
}
