/**
 * A mirror made of the kernel's own parts: what passes the filters on the interface's two clsact hooks is cloned to a
 * VXLAN device, where a filter lets it pass, or, while there is no sensor, drops it once it is counted. Frames never come to user space, so nothing repairs them; they are whole and right only where a device
 * behind the VXLAN device segments and sums, which is where they leave the node.
 *
 * Everything it makes is known by name or number again, so that the next start finds what an earlier one left when it
 * was killed: filters by their preference, the device by name and kind, and whether the qdisc is ours by the device's
 * alias. The VXLAN device listens on the sensor's port in the pod's namespace; whatever comes in there is dropped, so
 * that nobody who reaches the pod can put frames into it past its network policy.
 */
import { EEXIST, ENODEV, SyscallError } from '../linux/errno.ts'
import { findLink, type Link, setAlias } from '../linux/link.ts'
import type { Change } from '../linux/netlink.ts'
import {
  type ActionCount,
  actionCount,
  addClsact,
  byVerdict,
  deleteClsact,
  deleteFilters,
  type Hook,
  mirrorTo,
  putFilter,
} from '../linux/traffic-control.ts'
import { addVxlan, changeRemote, deleteLink, switchOn, withoutIpv6Address } from '../linux/vxlan-device.ts'
import { must } from './mirror-parts.ts'

export const mirrorDevice = 'vxtap-mirror'
/** Late among filters, so that those of others have decided before; any number that nobody else picks does. */
const preference = 0xf7a9
/** BPF_RET | BPF_K of TC_ACT_SHOT and of TC_ACT_OK. */
const dropAll = Buffer.from('0600000002000000', 'hex')
const passAll = Buffer.from('0600000000000000', 'hex')

const ownQdisc = (index: number): string => `vxtap: with its own clsact on interface ${index}`
const foreignQdisc = "vxtap: on somebody else's clsact"

export interface MirrorPlan {
  readonly interface: string
  readonly vni: number
  readonly sensorPort: number
  readonly sourcePorts: { readonly first: number; readonly count: number }
  /** Which frames of a hook; those going out must leave out the tunnel's own. A hook without a program is let be. */
  readonly programs: Readonly<Partial<Record<Hook, Buffer>>>
}

/** What was counted between two looks. */
export interface MirrorCount {
  readonly frames: number
  readonly bytes: number
  /** Frames that were to be mirrored and did not leave the VXLAN device; a super-frame counts once. */
  readonly unsent: number
  readonly sentBytes: number
}

const bothHooks = ['ingress', 'egress'] as const
const nothing: ActionCount = { frames: 0, bytes: 0, failures: 0 }

export class KernelMirror {
  readonly #plan: MirrorPlan
  readonly #seen = new Map<Hook, ActionCount>()
  #device = { sentBytes: 0, unsent: 0 }
  #source = 0
  #alias = foreignQdisc
  #remote: string | undefined

  constructor(plan: MirrorPlan) {
    this.#plan = plan
  }

  /** Index of the interface that it is on; 0 where it is on none. */
  get interfaceIndex(): number {
    return this.#source
  }

  /** Where it mirrors to; undefined while it only counts. */
  get remote(): string | undefined {
    return this.#remote
  }

  /**
   * Takes the place of whatever an earlier one left, and counts frames without sending any.
   * @throws PartError when the kernel refuses a part; what was made until then is taken down again
   */
  start(source: Link): void {
    this.stop()
    try {
      this.#addDevice(source, undefined)
      const qdisc = addClsact(source.index)
      if (qdisc.errno === 0) this.#noteOwnQdisc(source.index)
      else if (qdisc.errno !== EEXIST) must(qdisc, 'clsact', `cannot put clsact on ${this.#plan.interface}`)
      this.#source = source.index
      this.#mirror()
    } catch (error) {
      this.stop()
      throw error
    }
  }

  #noteOwnQdisc(index: number): void {
    this.#alias = ownQdisc(index)
    must(setAlias(mirrorLink().index, this.#alias), 'link', 'cannot note whose qdisc it is')
  }

  /** Mirrors to an address; what was mirrored to another before goes to this one without a gap, where it is of the same family. */
  aim(remote: string): void {
    if (this.#remote === remote) return
    if (changeRemote(mirrorLink().index, remote).errno !== 0) this.#rebuild(remote)
    must(putFilterOn(mirrorLink().index, 'egress', passAll), 'filter', `cannot let pass what ${mirrorDevice} sends`)
    this.#remote = remote
  }

  /** What passes meanwhile is not counted either. */
  #rebuild(remote: string): void {
    const source = findLink(this.#plan.interface)
    if (source?.index !== this.#source) {
      throw new SyscallError('netlink', ENODEV, `the interface ${this.#plan.interface} was removed or replaced`)
    }
    deleteOurFilters(source.index)
    removeDevice()
    this.#addDevice(source, remote)
    this.#mirror()
  }

  /** Sends nothing any more, and counts what it would have sent. */
  rest(): void {
    if (this.#remote === undefined) return
    must(putFilterOn(mirrorLink().index, 'egress', dropAll), 'filter', `cannot drop what ${mirrorDevice} sends`)
    this.#remote = undefined
  }

  /** @returns undefined when somebody has taken parts of it away; nothing is taken as counted then */
  count(): MirrorCount | undefined {
    const device = findLink(mirrorDevice)
    if (device === undefined) return undefined
    let frames = 0
    let bytes = 0
    let unsent = device.unsent - this.#device.unsent
    const readings: [Hook, ActionCount][] = []
    for (const hook of hooks(this.#plan)) {
      const now = actionCount(this.#source, hook, preference)
      if (now === undefined) return undefined
      readings.push([hook, now])
    }
    for (const [hook, now] of readings) {
      const before = this.#seen.get(hook) ?? nothing
      frames += now.frames - before.frames
      bytes += now.bytes - before.bytes
      unsent += now.failures - before.failures
      this.#seen.set(hook, now)
    }
    const sentBytes = device.sentBytes - this.#device.sentBytes
    this.#device = device
    return { frames, bytes, unsent, sentBytes }
  }

  /** Takes down what this or an earlier process made, and nothing else; does nothing where there is nothing. */
  stop(): void {
    const source = findLink(this.#plan.interface)
    const device = findLink(mirrorDevice)
    if (source !== undefined) {
      const alias = device?.alias ?? (this.#hasFilters(source.index) ? this.#alias : foreignQdisc)
      deleteOurFilters(source.index)
      if (alias === ownQdisc(source.index)) deleteClsact(source.index)
    }
    removeDevice()
    this.#remote = undefined
    this.#source = 0
    this.#alias = foreignQdisc
  }

  /** Where somebody has taken the device away, and its alias with it, our filters show that the qdisc is still ours. */
  #hasFilters(index: number): boolean {
    return hooks(this.#plan).some((hook) => actionCount(index, hook, preference) !== undefined)
  }

  /** Switched on, and dropping what comes in and what it is to send. */
  #addDevice(source: Link, remote: string | undefined): void {
    const { vni, sensorPort: port, sourcePorts } = this.#plan
    const { first, count } = sourcePorts
    const device = { name: mirrorDevice, vni, remote, port, mtu: source.mtu }
    const added = addVxlan({ ...device, sourcePorts: [first, first + count] })
    must(added, 'vxlan', `cannot make the device ${mirrorDevice}`)
    const { index } = mirrorLink()
    must(setAlias(index, this.#alias), 'link', `cannot note on ${mirrorDevice} whose qdisc it is`)
    must(addClsact(index), 'clsact', `cannot filter what passes ${mirrorDevice}`)
    must(putFilterOn(index, 'ingress', dropAll), 'filter', `cannot drop what comes in at ${mirrorDevice}`)
    must(putFilterOn(index, 'egress', dropAll), 'filter', `cannot drop what ${mirrorDevice} sends`)
    withoutIpv6Address(index)
    must(switchOn(index), 'link', `cannot switch ${mirrorDevice} on, which listens on UDP port ${port} in the pod`)
    this.#device = { sentBytes: 0, unsent: 0 }
    this.#remote = undefined
  }

  #mirror(): void {
    const { index } = mirrorLink()
    for (const hook of hooks(this.#plan)) {
      const program = this.#plan.programs[hook]!
      const change = putFilter(this.#source, hook, preference, program, mirrorTo(index))
      must(change, 'mirror', `cannot mirror the ${hook} of ${this.#plan.interface}`)
      this.#seen.delete(hook)
    }
  }
}

function hooks({ programs }: MirrorPlan): Hook[] {
  return bothHooks.filter((hook) => programs[hook] !== undefined)
}

function deleteOurFilters(index: number): void {
  for (const hook of bothHooks) deleteFilters(index, hook, preference)
}

const putFilterOn = (index: number, hook: Hook, program: Buffer): Change =>
  putFilter(index, hook, preference, program, byVerdict())

function mirrorLink(): Link {
  const found = findLink(mirrorDevice)
  if (found === undefined) throw new SyscallError('netlink', ENODEV, `somebody took the device ${mirrorDevice} away`)
  return found
}

function removeDevice(): void {
  const device = findLink(mirrorDevice)
  if (device?.kind !== 'vxlan') return
  must(deleteLink(device.index), 'link', `cannot take the device ${mirrorDevice} away`)
}
