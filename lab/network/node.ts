/** A node: a network namespace with a bridge for its pods and an uplink to the control plane. */
import { run } from './command.ts'
import { forwarding, NetworkNamespace } from './namespace.ts'
import { LabPod, type PodOptions } from './pod.ts'

export class LabNode {
  readonly name: string
  readonly namespace: NetworkNamespace
  /** The bridge's address: the pods' gateway, and the node's address in a pod's status. */
  readonly address4: string
  readonly address6: string
  readonly #index: number
  readonly #mtu: number
  readonly #pods = new Map<string, LabPod>()
  #podsMade = 0

  private constructor(index: number, mtu: number, namespace: NetworkNamespace) {
    this.name = namespace.name
    this.namespace = namespace
    this.address4 = `10.88.${index}.1`
    this.address6 = `fd88:0:0:${index}::1`
    this.#index = index
    this.#mtu = mtu
  }

  static async create(index: number, options: { readonly mtu: number; readonly uplinkMtu: number }): Promise<LabNode> {
    const namespace = await NetworkNamespace.create(`node-${index}`)
    const node = new LabNode(index, options.mtu, namespace)
    const uplink = `uplink${index}`
    await namespace.sysctl(forwarding)
    await run(['ip', '-batch', '-'], {
      input: [
        `link add ${uplink} mtu ${options.uplinkMtu} type veth peer name uplink mtu ${options.uplinkMtu} netns ${node.name}`,
        `address add 10.89.${index}.1/30 dev ${uplink}`,
        `address add fd89:0:0:${index}::1/64 dev ${uplink} nodad`,
        `link set ${uplink} up`,
        '',
      ].join('\n'),
    })
    await namespace.ip([
      // Without snooping the bridge floods multicast, which neighbour discovery needs, at once and to everybody.
      'link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
      // An address of its own: otherwise a bridge takes the lowest of its ports', and each new pod may change the
      // gateway's under the other pods.
      `link set br0 address 02:88:00:00:00:${index.toString(16).padStart(2, '0')} mtu ${options.mtu} up`,
      `address add ${node.address4}/24 dev br0`,
      `address add ${node.address6}/64 dev br0 nodad`,
      `address add 10.89.${index}.2/30 dev uplink`,
      `address add fd89:0:0:${index}::2/64 dev uplink nodad`,
      'link set uplink up',
      `route add default via 10.89.${index}.1`,
      `route add ::/0 via fd89:0:0:${index}::1`,
    ])
    await run(['ip', '-batch', '-'], {
      input: `route add 10.88.${index}.0/24 via 10.89.${index}.2\nroute add fd88:0:0:${index}::/64 via fd89:0:0:${index}::2\n`,
    })
    return node
  }

  /** Makes a pod here. Addresses are never used twice, as little as a replaced pod gets its predecessor's. */
  async pod(name: string, options: PodOptions = {}): Promise<LabPod> {
    const host = 10 + this.#podsMade++
    const pod = await LabPod.create(this, name, {
      mtu: options.mtu ?? this.#mtu,
      address4: `10.88.${this.#index}.${host}`,
      address6: options.ipv6 === false ? undefined : `fd88:0:0:${this.#index}::${host}`,
      nodeInterface: `veth${host}`,
    })
    this.#pods.set(name, pod)
    return pod
  }

  forget(name: string): void {
    this.#pods.delete(name)
  }

  async remove(): Promise<void> {
    for (const pod of [...this.#pods.values()]) await pod.remove()
    // The kernel takes a namespace down in its own time; the routes over the uplink must be gone for the next lab.
    await run(['ip', 'link', 'delete', `uplink${this.#index}`])
    await this.namespace.remove()
  }
}
