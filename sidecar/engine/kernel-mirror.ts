/**
 * A mirror made of the kernel's own parts: what passes the filters on the interface's two clsact hooks is cloned to a
 * VXLAN device. Frames never come to user space, so nothing repairs them; they are whole and right only where a device
 * behind the VXLAN device segments and sums, which is where they leave the node.
 *
 * Everything it makes is known by name or number again, so that the next start finds what an earlier one left when it
 * was killed: filters by their preference, the device by name and kind, and whether the qdisc is ours by the device's
 * alias. The VXLAN device listens on the sensor's port in the pod's namespace; whatever comes in there is dropped, so
 * that nobody who reaches the pod can put frames into it past its network policy.
 *
 * The filters must leave the tunnel itself out, by addresses and ports: a VXLAN device sets no mark, and at a clsact
 * hook a frame that leaves is not yet marked as outgoing (dev_queue_xmit_nit does that, for packet sockets alone).
 */
import { EEXIST, SyscallError } from '../linux/errno.ts'
import { findLink, type Link, setAlias } from '../linux/link.ts'
import type { Change } from '../linux/netlink.ts'
import { addClsact, addMirror, addVerdict, deleteClsact, deleteFilters } from '../linux/traffic-control.ts'
import { addVxlan, deleteLink, switchOn, withoutIpv6Address } from '../linux/vxlan-device.ts'

export const mirrorDevice = 'vxtap-mirror'
/** Late among filters, so that those of others have decided before; any number that nobody else picks does. */
const preference = 0xf7a9
const ownQdisc = 'vxtap: with its own clsact'
const foreignQdisc = "vxtap: on somebody else's clsact"
/** BPF_RET | BPF_K of TC_ACT_SHOT. */
const dropAll = Buffer.from('0600000002000000', 'hex')

export interface MirrorPlan {
  readonly interface: string
  readonly vni: number
  readonly sensor: string
  readonly sensorPort: number
  readonly ingress: Buffer | undefined
  readonly egress: Buffer | undefined
}

function must(change: Change, what: string): void {
  if (change.errno !== 0) {
    throw new SyscallError('netlink', change.errno, change.said === '' ? what : `${what} (${change.said})`)
  }
}

function link(name: string): Link {
  const found = findLink(name)
  if (found === undefined) throw new Error(`there is no interface ${name}`)
  return found
}

/**
 * Puts the mirror in place of whatever an earlier one left.
 * @throws SyscallError when the kernel refuses a part; what was made until then is taken down again
 */
export function startMirror(plan: MirrorPlan): void {
  stopMirror(plan.interface)
  try {
    build(plan)
  } catch (error) {
    stopMirror(plan.interface)
    throw error
  }
}

function build(plan: MirrorPlan): void {
  const source = link(plan.interface)
  const { vni, sensor: remote, sensorPort: port } = plan
  const device = { name: mirrorDevice, vni, remote, port, mtu: source.mtu, alias: foreignQdisc }
  must(addVxlan(device), `cannot make the device ${mirrorDevice}`)
  const { index } = link(mirrorDevice)
  must(addClsact(index), `cannot filter what comes in at ${mirrorDevice}`)
  must(addVerdict(index, 'ingress', preference, dropAll), `cannot drop what comes in at ${mirrorDevice}`)
  const qdisc = addClsact(source.index)
  if (qdisc.errno === 0) must(setAlias(index, ownQdisc), 'cannot note whose qdisc it is')
  else if (qdisc.errno !== EEXIST) must(qdisc, `cannot put clsact on ${plan.interface}`)
  withoutIpv6Address(index)
  must(switchOn(index), `cannot switch ${mirrorDevice} on`)
  for (const hook of ['ingress', 'egress'] as const) {
    const program = plan[hook]
    if (program === undefined) continue
    const what = `cannot mirror the ${hook} of ${plan.interface}`
    must(addMirror(source.index, hook, preference, program, index), what)
  }
}

/** Takes down what this or an earlier process made, and nothing else; does nothing where there is nothing. */
export function stopMirror(interfaceName: string): void {
  const source = findLink(interfaceName)
  const device = findLink(mirrorDevice)
  if (source !== undefined) {
    deleteFilters(source.index, 'ingress', preference)
    deleteFilters(source.index, 'egress', preference)
    if (device?.alias === ownQdisc) deleteClsact(source.index)
  }
  if (device?.kind === 'vxlan') must(deleteLink(device.index), `cannot take the device ${mirrorDevice} away`)
}
