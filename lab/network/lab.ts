/**
 * A small cluster network on one machine: pods are real network namespaces with a veth eth0 on their node's bridge.
 *
 * ```
 *        this process (API server): 10.88.0.1, fd88::1       the namespace of scripts/sandbox.sh, which routes
 *              | uplink 10.89.1.0/30                | uplink 10.89.2.0/30     (MTU: node's `uplinkMtu`)
 *        node-1, bridge br0 10.88.1.1         node-2, bridge br0 10.88.2.1    (fd88:0:0:1::1, fd88:0:0:2::1)
 *          |            |                        |
 *        pod's eth0   pod's eth0               pod's eth0                     (10.88.1.10, fd88:0:0:1::10, ...)
 * ```
 *
 * ```ts
 * const lab = await Lab.create()
 * const web = await lab.pod('web', { mtu: 1450 })
 * const capture = await web.capture('/run/web.pcapng')
 * await web.exec(['ip', 'address'])
 * const server = web.spawn(['node', 'server.ts'])
 * await lab.close()
 * ```
 *
 * Runs only below scripts/sandbox.sh: names are kept in its tmpfs on /run, and whatever happens to this process, the
 * kernel removes every namespace, interface and process together with the sandbox.
 */
import { missingPrograms, run } from './command.ts'
import { prepareSandbox } from './namespace.ts'
import { LabNode } from './node.ts'
import type { LabPod, PodOptions } from './pod.ts'

export interface LabOptions {
  /** How many nodes: each has a bridge, and a link of its own to this process, which routes between them. */
  readonly nodes?: number
  /** Bytes: MTU of the bridges, and of pods unless they say otherwise. */
  readonly mtu?: number
  /** Bytes: MTU of the links between nodes; 0 is that of the bridges. */
  readonly uplinkMtu?: number
}

export const controlPlane = { address4: '10.88.0.1', address6: 'fd88::1' } as const

export class Lab {
  readonly nodes: readonly LabNode[]

  private constructor(nodes: readonly LabNode[]) {
    this.nodes = nodes
  }

  /** @throws Error outside of scripts/sandbox.sh, or where a program is missing */
  static async create(options: LabOptions = {}): Promise<Lab> {
    if (process.env['VXTAP_SANDBOX'] !== '1') {
      throw new Error('network namespaces are made only inside a sandbox: run this through scripts/sandbox.sh')
    }
    const missing = missingPrograms(['ip', 'nsenter', 'unshare', 'setpriv', 'mount'])
    if (missing.length > 0) {
      throw new Error(`missing on this machine: ${missing.join(', ')} (Debian packages iproute2 and util-linux)`)
    }
    const mtu = options.mtu ?? 1500
    await prepareSandbox()
    await run(['ip', '-batch', '-'], {
      input: `address add ${controlPlane.address4}/32 dev lo\naddress add ${controlPlane.address6}/128 dev lo nodad\n`,
    })
    const nodes: LabNode[] = []
    for (let index = 1; index <= (options.nodes ?? 1); index++) {
      nodes.push(await LabNode.create(index, { mtu, uplinkMtu: options.uplinkMtu || mtu }))
    }
    return new Lab(nodes)
  }

  /** Makes a pod on the first node, or on the one given. */
  pod(name: string, options: PodOptions & { readonly node?: LabNode } = {}): Promise<LabPod> {
    const node = options.node ?? this.nodes[0]
    if (node === undefined) throw new Error('the lab is closed')
    return node.pod(name, options)
  }

  /** Ends every process, and removes pods, nodes and addresses. */
  async close(): Promise<void> {
    for (const node of this.nodes) await node.remove()
    await run(['ip', '-batch', '-'], {
      input: `address delete ${controlPlane.address4}/32 dev lo\naddress delete ${controlPlane.address6}/128 dev lo\n`,
    })
  }
}
