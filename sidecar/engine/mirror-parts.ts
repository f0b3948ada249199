/** The parts of the kernel that a mirror is made of, and what it means that one cannot be had. Pure. */
import { constants } from 'node:os'
import { type MirrorRefusal, mirrorRefusal } from '../../contract/mirror-refusals.ts'
import { EOPNOTSUPP, EPERM, SyscallError } from '../linux/errno.ts'
import type { Change } from '../linux/netlink.ts'

const { ENOENT } = constants.errno

/** `absent`: the errno with which the kernel says that it knows no such thing, its module tried already. */
const parts = {
  vxlan: { name: 'VXLAN devices', option: 'CONFIG_VXLAN', absent: EOPNOTSUPP },
  clsact: { name: 'qdisc clsact', option: 'CONFIG_NET_SCH_INGRESS', absent: ENOENT },
  filter: { name: 'filter cls_bpf', option: 'CONFIG_NET_CLS_BPF', absent: ENOENT },
  mirror: { name: 'action act_mirred', option: 'CONFIG_NET_ACT_MIRRED', absent: ENOENT },
} as const

/** `link`: something that every kernel has. */
export type MirrorPart = keyof typeof parts | 'link'

/** A part of the mirror that the kernel did not make. */
export class PartError extends SyscallError {
  readonly refusal: MirrorRefusal

  constructor(part: MirrorPart, change: Change, what: string) {
    super('netlink', change.errno, change.said === '' ? what : `${what} (${change.said})`)
    this.name = 'PartError'
    this.refusal = refusalOf(part, change.errno, this.message)
  }
}

function refusalOf(part: MirrorPart, errno: number, cause: string): MirrorRefusal {
  if (errno === EPERM) return mirrorRefusal('no_permission', {})
  if (part !== 'link' && errno === parts[part].absent) {
    const { name, option } = parts[part]
    return mirrorRefusal('no_kernel_support', { part: name, option, cause })
  }
  return mirrorRefusal('kernel_refused', { cause })
}

/** @throws PartError when the kernel refused */
export function must(change: Change, part: MirrorPart, what: string): void {
  if (change.errno !== 0) throw new PartError(part, change, what)
}
