/** A pod's network: a namespace whose eth0 is one end of a veth pair; the other end is a port of the node's bridge. */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { type Capture, startCapture } from './capture.ts'
import type { RunOptions } from './command.ts'
import { NetworkNamespace } from './namespace.ts'
import type { LabNode } from './node.ts'

export interface PodOptions {
  /** Bytes; the lab's MTU unless given. */
  readonly mtu?: number
  /** Whether the pod has an IPv6 address too; true unless given. */
  readonly ipv6?: boolean
}

export interface CaptureOptions {
  /** On eth0 itself, or (default) on the node's end of the veth pair, which is outside of the pod. */
  readonly at?: 'pod' | 'node'
  /** A pcap-filter(7) expression. */
  readonly filter?: string
}

interface Plan {
  readonly mtu: number
  readonly address4: string
  readonly address6: string | undefined
  readonly nodeInterface: string
}

export class LabPod {
  readonly name: string
  readonly node: LabNode
  readonly namespace: NetworkNamespace
  readonly mtu: number
  readonly address4: string
  /** Empty where the pod has none. */
  readonly address6: string
  /** The node's end of the veth pair. */
  readonly nodeInterface: string

  private constructor(node: LabNode, name: string, namespace: NetworkNamespace, plan: Plan) {
    this.name = name
    this.node = node
    this.namespace = namespace
    this.mtu = plan.mtu
    this.address4 = plan.address4
    this.address6 = plan.address6 ?? ''
    this.nodeInterface = plan.nodeInterface
  }

  static async create(node: LabNode, name: string, plan: Plan): Promise<LabPod> {
    const namespace = await NetworkNamespace.create(name)
    const pod = new LabPod(node, name, namespace, plan)
    const { mtu, nodeInterface } = plan
    await node.namespace.ip([
      `link add ${nodeInterface} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${name}`,
      `link set ${nodeInterface} master br0 up`,
    ])
    await namespace.ip([
      `address add ${plan.address4}/24 dev eth0`,
      ...(plan.address6 === undefined ? [] : [`address add ${plan.address6}/64 dev eth0 nodad`]),
      'link set eth0 up',
      `route add default via ${node.address4}`,
      ...(plan.address6 === undefined ? [] : [`route add ::/0 via ${node.address6}`]),
    ])
    return pod
  }

  get addresses(): string[] {
    return this.address6 === '' ? [this.address4] : [this.address4, this.address6]
  }

  /** Runs a program in the pod's network to its end and gives its standard output. */
  exec(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return this.namespace.exec(argv, options)
  }

  /** Starts a program in the pod's network; it is ended with the pod. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.namespace.spawn(argv, options)
  }

  /** `ethtool -K eth0`, for instance `{ tso: 'off', gso: 'off' }`. */
  async offload(toggles: Readonly<Record<string, 'on' | 'off'>>): Promise<void> {
    await this.exec(['ethtool', '-K', 'eth0', ...Object.entries(toggles).flat()])
  }

  /** Starts writing the pod's frames to a pcapng file, whole and uncut; resolves when the kernel is capturing. */
  capture(file: string, options: CaptureOptions = {}): Promise<Capture> {
    return options.at === 'pod'
      ? startCapture(this.namespace, 'eth0', file, options.filter)
      : startCapture(this.node.namespace, this.nodeInterface, file, options.filter)
  }

  async remove(): Promise<void> {
    this.node.forget(this.name)
    await this.namespace.remove()
  }
}
