/**
 * tc(8) by way of rtnetlink(7): the clsact qdisc of an interface, and classic BPF filters on its two hooks. Needs NET_ADMIN in the network namespace's user namespace, and neither NET_RAW nor BPF.
 */
import { ETH_P_ALL, sockFilterLength } from './abi.ts'
import {
  CLSACT_EGRESS,
  CLSACT_HANDLE,
  CLSACT_INGRESS,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELQDISC,
  RTM_DELTFILTER,
  RTM_NEWQDISC,
  RTM_NEWTFILTER,
  TC_ACT_UNSPEC,
  TC_H_CLSACT,
  TCA_ACT_KIND,
  TCA_ACT_OPTIONS,
  TCA_BPF_ACT,
  TCA_BPF_FLAG_ACT_DIRECT,
  TCA_BPF_FLAGS,
  TCA_BPF_OPS,
  TCA_BPF_OPS_LEN,
  TCA_EGRESS_MIRROR,
  TCA_KIND,
  TCA_MIRRED_PARMS,
  TCA_OPTIONS,
  tcMirred,
  tcmsg,
} from './abi-traffic-control.ts'
import { ask, type Change } from './netlink.ts'
import { attribute, nested, number32, text } from './netlink-message.ts'

export type Hook = 'ingress' | 'egress'

const hooks: Readonly<Record<Hook, number>> = { ingress: CLSACT_INGRESS, egress: CLSACT_EGRESS }

function header(index: number, parent: number, handle: number, info: number): Buffer {
  const bytes = Buffer.alloc(tcmsg.length)
  bytes.writeInt32LE(index, tcmsg.interfaceIndex)
  bytes.writeUInt32LE(handle, tcmsg.handle)
  bytes.writeUInt32LE(parent, tcmsg.parent)
  bytes.writeUInt32LE(info, tcmsg.info)
  return bytes
}

/** The preference, then the protocol as it stands on the wire. */
const filterInfo = (preference: number): number => ((preference << 16) | (ETH_P_ALL << 8)) >>> 0

/** EEXIST where it, or an ingress qdisc in its place, is there already. */
export function addClsact(index: number): Change {
  const body = [header(index, TC_H_CLSACT, CLSACT_HANDLE, 0), text(TCA_KIND, 'clsact')]
  return ask(RTM_NEWQDISC, body, NLM_F_CREATE | NLM_F_EXCL)
}

/** Takes every filter on it away, whoever put it there. */
export function deleteClsact(index: number): Change {
  return ask(RTM_DELQDISC, [header(index, TC_H_CLSACT, CLSACT_HANDLE, 0), text(TCA_KIND, 'clsact')])
}

/**
 * Clones frames for which the program returns anything but 0 to another interface; what becomes of the frame itself is
 * left to the filters behind this one.
 * @param preference 1 to 65535; no two filters of a hook have the same
 * @param program struct sock_filter instructions, 8 bytes each; they see the Ethernet header
 */
export function addMirror(index: number, hook: Hook, preference: number, program: Buffer, to: number): Change {
  const parameters = Buffer.alloc(tcMirred.length)
  parameters.writeInt32LE(TC_ACT_UNSPEC, tcMirred.action)
  parameters.writeInt32LE(TCA_EGRESS_MIRROR, tcMirred.eaction)
  parameters.writeUInt32LE(to, tcMirred.interfaceIndex)
  const options = nested(TCA_ACT_OPTIONS, attribute(TCA_MIRRED_PARMS, parameters))
  // Actions are numbered; this is the first.
  const action = nested(TCA_BPF_ACT, nested(1, text(TCA_ACT_KIND, 'mirred'), options))
  return addFilter(index, hook, preference, program, action)
}

/** A program whose result is the verdict itself: TC_ACT_OK (0), TC_ACT_SHOT (2) and the others of pkt_cls.h. */
export function addVerdict(index: number, hook: Hook, preference: number, program: Buffer): Change {
  return addFilter(index, hook, preference, program, number32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT))
}

function addFilter(index: number, hook: Hook, preference: number, program: Buffer, rest: Buffer): Change {
  const count = Buffer.alloc(2)
  count.writeUInt16LE(program.length / sockFilterLength)
  const options = nested(TCA_OPTIONS, attribute(TCA_BPF_OPS_LEN, count), attribute(TCA_BPF_OPS, program), rest)
  const body = [header(index, hooks[hook], 1, filterInfo(preference)), text(TCA_KIND, 'bpf'), options]
  return ask(RTM_NEWTFILTER, body, NLM_F_CREATE | NLM_F_EXCL)
}

/** Takes the filters of one preference away; ENOENT or EINVAL where there are none, or no qdisc. */
export function deleteFilters(index: number, hook: Hook, preference: number): Change {
  return ask(RTM_DELTFILTER, [header(index, hooks[hook], 0, filterInfo(preference))])
}
