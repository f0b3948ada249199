/**
 * What `vxtap prepare-sensor` does, given the kernel's answers.
 *
 * A veth that runs an XDP program in its driver takes segmentation offload from its peer's features (veth_xdp_set in
 * drivers/net/veth.c), so that whatever is sent to this pod is cut by the node, in front of any sniffer in the pod.
 * A program that only passes frames is enough, and generic XDP is not: it runs behind the driver.
 */
import type { Preparation } from '../contract/preparation-outcomes.ts'
import { EBUSY, EOPNOTSUPP, ERANGE, errnoName, SyscallError } from '../sidecar/linux/errno.ts'
import type { AttachedXdp, Link } from '../sidecar/linux/link.ts'
import type { Change } from '../sidecar/linux/netlink.ts'
import { marked, markedProgram, unmarked } from './mark.ts'

export interface Program {
  readonly fd: number
  readonly id: number
  close(): void
}

/** What is asked of the kernel. Each may throw a SyscallError. */
export interface Kernel {
  findLink(name: string): Link | undefined
  loadProgram(): Program
  attachXdp(index: number, programFd: number): Change
  detachXdp(index: number): Change
  setAlias(index: number, alias: string): Change
  /** Why this process may not do it; undefined where it may. */
  missingPrivilege(): Preparation | undefined
}

/** Attaches the program, or says why not; a refusal leaves the interface as it was. */
export function prepare(name: string, kernel: Kernel): Preparation {
  const link = kernel.findLink(name)
  if (link === undefined) return { code: 'no_interface', parameters: { interface: name } }
  const there = whatIsThere(name, link)
  if (there !== undefined) return there
  if (link.kind !== 'veth') return { code: 'not_veth', parameters: { interface: name, kind: kindText(link.kind) } }
  return withRefusals(kernel, `prepare ${name}`, () => {
    const program = load(kernel)
    if (!('fd' in program)) return program
    try {
      return attach(name, program, kernel)
    } finally {
      program.close()
    }
  })
}

/** @returns the program, or why there is none */
function load(kernel: Kernel): Program | Preparation {
  try {
    return kernel.loadProgram()
  } catch (error) {
    return refusal(kernel, 'load the XDP program', error)
  }
}

/** What an earlier run, or somebody else, has attached; undefined where nothing is. */
function whatIsThere(name: string, { xdp, alias }: Link): Preparation | undefined {
  if (xdp.mode === 'none') return undefined
  if (xdp.mode === 'driver' && xdp.programId === markedProgram(alias)) return alreadyPrepared(name, xdp)
  return { code: 'foreign_program', parameters: { interface: name, attached: attachedText(xdp) } }
}

const alreadyPrepared = (name: string, { programId }: AttachedXdp): Preparation => ({
  code: 'already_prepared',
  parameters: { interface: name, program: String(programId) },
})

function attach(name: string, program: Program, kernel: Kernel): Preparation {
  // Another run may have come first while the program was loaded; its mark must not be written over.
  const link = kernel.findLink(name)
  if (link === undefined) return { code: 'no_interface', parameters: { interface: name } }
  const there = whatIsThere(name, link)
  if (there !== undefined) return there
  const alias = marked(link.alias, program.id)
  if (alias === undefined) return refused(`mark ${name} by its alias`, 'what is written there leaves no room')
  // First the mark, so that a program without one is never ours.
  const mark = kernel.setAlias(link.index, alias)
  if (mark.errno !== 0) return explained(kernel, `mark ${name} by its alias`, mark)
  const change = kernel.attachXdp(link.index, program.fd)
  if (change.errno !== 0) return notAttached(name, link, program, change, kernel)
  return withRefusals(kernel, `show whether the XDP program ${program.id}, now on ${name}, is in effect`, () => {
    const xdp = kernel.findLink(name)?.xdp ?? { mode: 'none', programId: 0 }
    if (xdp.mode === 'driver' && xdp.programId === program.id) {
      return { code: 'prepared', parameters: { interface: name, program: String(program.id) } }
    }
    const parameters = { interface: name, program: String(program.id), attached: attachedText(xdp) }
    return { code: 'not_in_effect', parameters }
  })
}

/** Takes the mark back, unless it is another run's by now, and says why. @param before the link as it was marked */
function notAttached(name: string, before: Link, program: Program, change: Change, kernel: Kernel): Preparation {
  const now = kernel.findLink(name) ?? before
  const owner = [now, before].find(
    ({ alias }) => now.xdp.mode === 'driver' && markedProgram(alias) === now.xdp.programId,
  )
  if (markedProgram(now.alias) === program.id) {
    kernel.setAlias(before.index, owner === undefined ? unmarked(before.alias) : before.alias)
  }
  if (owner !== undefined) return alreadyPrepared(name, now.xdp)
  return whyNotAttached(name, now, change, kernel)
}

function whyNotAttached(name: string, link: Link, change: Change, kernel: Kernel): Preparation {
  const said = saidText(change)
  switch (change.errno) {
    case EBUSY:
      // Somebody was faster than we were; whoever it was says so.
      return { code: 'foreign_program', parameters: { interface: name, attached: attachedText(link.xdp) } }
    case EOPNOTSUPP:
      return { code: 'no_native_xdp', parameters: { interface: name, said } }
    case ERANGE:
      return { code: 'mtu_too_large', parameters: { interface: name, mtu: String(link.mtu) } }
    default:
      return explained(kernel, `attach the XDP program to ${name}`, change)
  }
}

/** Detaches what an earlier run attached, and nothing else. */
export function undo(name: string, kernel: Kernel): Preparation {
  const link = kernel.findLink(name)
  if (link === undefined) return { code: 'no_interface', parameters: { interface: name } }
  const there = whatIsThere(name, link)
  if (there?.code === 'foreign_program') return there
  if (there !== undefined) {
    const change = kernel.detachXdp(link.index)
    if (change.errno !== 0) return explained(kernel, `detach the XDP program from ${name}`, change)
  }
  if (markedProgram(link.alias) !== undefined) kernel.setAlias(link.index, unmarked(link.alias))
  if (there === undefined) return { code: 'nothing_to_undo', parameters: { interface: name } }
  return { code: 'undone', parameters: { interface: name, program: String(link.xdp.programId) } }
}

function withRefusals(kernel: Kernel, what: string, body: () => Preparation): Preparation {
  try {
    return body()
  } catch (error) {
    return refusal(kernel, what, error)
  }
}

function refusal(kernel: Kernel, what: string, error: unknown): Preparation {
  if (!(error instanceof SyscallError)) throw error
  return kernel.missingPrivilege() ?? refused(what, error.code)
}

const explained = (kernel: Kernel, what: string, change: Change): Preparation =>
  kernel.missingPrivilege() ?? refused(what, saidText(change))

const refused = (what: string, said: string): Preparation => ({ code: 'kernel_refused', parameters: { what, said } })

const saidText = ({ errno, said }: Change): string => (said === '' ? errnoName(errno) : `${errnoName(errno)}, ${said}`)

const kindText = (kind: string): string => (kind === '' ? 'hardware or the loopback' : `a ${kind} device`)

function attachedText({ mode, programId }: AttachedXdp): string {
  const where = { none: 'none', driver: 'in the driver', other: 'generic, or more than one' }[mode]
  return programId === 0 ? where : `program ${programId}, ${where}`
}
