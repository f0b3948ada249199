/** Why bpf(2) was refused, from what the kernel says of this process: capabilities(7), proc(5). Pure. */
import type { Preparation } from '../contract/preparation-outcomes.ts'

/** Bit numbers of include/uapi/linux/capability.h */
const CAP_NET_ADMIN = 12
const CAP_SYS_ADMIN = 21
const CAP_BPF = 39

export interface Circumstances {
  /** /proc/self/status */
  readonly status: string
  /** /proc/self/uid_map */
  readonly uidMap: string
  /** `5.15.0-91-generic` */
  readonly release: string
  /** Whether bpf(2) refuses even what needs no capability. */
  readonly forbidden: boolean
}

/** Undefined where none of these is the cause. */
export function missingPrivilege(circumstances: Circumstances): Preparation | undefined {
  const { status, uidMap, release, forbidden } = circumstances
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  const has = (capability: number): boolean => ((effective >> BigInt(capability)) & 1n) === 1n
  // CAP_BPF is part of what SYS_ADMIN was before Linux 5.8; SYS_ADMIN alone still does.
  const knowsCapBpf = isAtLeast(release, 5, 8)
  const loading = knowsCapBpf ? 'BPF' : `SYS_ADMIN (Linux ${release} is older than 5.8 and has no capability BPF)`
  const missing = [
    ...(has(CAP_NET_ADMIN) ? [] : ['NET_ADMIN']),
    ...(has(CAP_SYS_ADMIN) || (knowsCapBpf && has(CAP_BPF)) ? [] : [knowsCapBpf ? 'BPF' : 'SYS_ADMIN']),
  ]
  if (missing.length > 0) {
    return { code: 'capability_missing', parameters: { missing: missing.join(' and '), loading } }
  }
  // The initial namespace maps every uid to itself.
  if (!/^\s*0\s+0\s+4294967295\s*$/.test(uidMap)) return { code: 'user_namespace', parameters: {} }
  if (!forbidden) return undefined
  const filtered = /^Seccomp:\s*2$/m.test(status)
  const by = filtered ? 'its seccomp profile' : 'a security module or the lockdown of this node'
  return { code: 'bpf_forbidden', parameters: { by } }
}

function isAtLeast(release: string, major: number, minor: number): boolean {
  const [haveMajor = 0, haveMinor = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  return haveMajor > major || (haveMajor === major && haveMinor >= minor)
}
