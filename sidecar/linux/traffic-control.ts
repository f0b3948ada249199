/**
 * tc(8) by way of rtnetlink(7): the clsact qdisc of an interface, and classic BPF filters on its two hooks. Needs
 * NET_ADMIN in the network namespace's user namespace, and neither NET_RAW nor BPF.
 */
import { ETH_P_ALL, sockFilterLength } from './abi.ts'
import {
  CLSACT_EGRESS,
  CLSACT_HANDLE,
  CLSACT_INGRESS,
  gnetStatsBasic,
  gnetStatsQueue,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELQDISC,
  RTM_DELTFILTER,
  RTM_GETTFILTER,
  RTM_NEWQDISC,
  RTM_NEWTFILTER,
  TC_ACT_UNSPEC,
  TC_H_CLSACT,
  TCA_ACT_KIND,
  TCA_ACT_OPTIONS,
  TCA_ACT_STATS,
  TCA_BPF_ACT,
  TCA_BPF_FLAG_ACT_DIRECT,
  TCA_BPF_FLAGS,
  TCA_BPF_OPS,
  TCA_BPF_OPS_LEN,
  TCA_EGRESS_MIRROR,
  TCA_KIND,
  TCA_MIRRED_PARMS,
  TCA_OPTIONS,
  TCA_STATS_BASIC,
  TCA_STATS_PKT64,
  TCA_STATS_QUEUE,
  tcMirred,
  tcmsg,
} from './abi-traffic-control.ts'
import { ask, type Change } from './netlink.ts'
import { attribute, attributes, nested, number32, text } from './netlink-message.ts'

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

/** What becomes of frames for which a filter's program does not return 0; the filters behind it see them all the same. */
export type Action = Buffer

/** Clones them to another interface. */
export function mirrorTo(index: number): Action {
  const parameters = Buffer.alloc(tcMirred.length)
  parameters.writeInt32LE(TC_ACT_UNSPEC, tcMirred.action)
  parameters.writeInt32LE(TCA_EGRESS_MIRROR, tcMirred.eaction)
  parameters.writeUInt32LE(index, tcMirred.interfaceIndex)
  const options = nested(TCA_ACT_OPTIONS, attribute(TCA_MIRRED_PARMS, parameters))
  // Actions are numbered; this is the first.
  return nested(TCA_BPF_ACT, nested(1, text(TCA_ACT_KIND, 'mirred'), options))
}

/** The program's result is the verdict itself: TC_ACT_OK (0), TC_ACT_SHOT (2) and the others of pkt_cls.h. */
export function byVerdict(): Action {
  return number32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT)
}

/**
 * Puts a filter on a hook, in place of what this preference had before; between the two no frame goes past both.
 * @param preference 1 to 65535; no two filters of a hook have the same
 * @param program struct sock_filter instructions, 8 bytes each; they see the Ethernet header
 */
export function putFilter(index: number, hook: Hook, preference: number, program: Buffer, rest: Action): Change {
  const count = Buffer.alloc(2)
  count.writeUInt16LE(program.length / sockFilterLength)
  const options = nested(TCA_OPTIONS, attribute(TCA_BPF_OPS_LEN, count), attribute(TCA_BPF_OPS, program), rest)
  const body = [header(index, hooks[hook], 1, filterInfo(preference)), text(TCA_KIND, 'bpf'), options]
  return ask(RTM_NEWTFILTER, body, NLM_F_CREATE)
}

/** Takes the filters of one preference away; ENOENT or EINVAL where there are none, or no qdisc. */
export function deleteFilters(index: number, hook: Hook, preference: number): Change {
  return ask(RTM_DELTFILTER, [header(index, hooks[hook], 0, filterInfo(preference))])
}

/** What a filter's action has counted since it was put there. */
export interface ActionCount {
  /** Frames of the wire: a super-frame counts as its segments. */
  readonly frames: number
  readonly bytes: number
  /** Times that the action itself failed, super-frames counting once. */
  readonly failures: number
}

/** Undefined where there is no such filter any more. */
export function actionCount(index: number, hook: Hook, preference: number): ActionCount | undefined {
  const { errno, body } = ask(RTM_GETTFILTER, [header(index, hooks[hook], 1, filterInfo(preference))])
  return errno === 0 ? readActionCount(body) : undefined
}

/** @param body struct tcmsg and what follows it */
export function readActionCount(body: Buffer): ActionCount | undefined {
  let found = body.subarray(tcmsg.length)
  for (const type of [TCA_OPTIONS, TCA_BPF_ACT, 1, TCA_ACT_STATS]) {
    const inner = attributes(found).get(type)
    if (inner === undefined) return undefined
    found = inner
  }
  const statistics = attributes(found)
  const basic = statistics.get(TCA_STATS_BASIC)
  if (basic === undefined || basic.length < gnetStatsBasic.length) return undefined
  const queue = statistics.get(TCA_STATS_QUEUE)
  const many = statistics.get(TCA_STATS_PKT64)
  return {
    frames: many === undefined ? basic.readUInt32LE(gnetStatsBasic.packets) : Number(many.readBigUInt64LE()),
    bytes: Number(basic.readBigUInt64LE(gnetStatsBasic.bytes)),
    failures: queue === undefined ? 0 : queue.readUInt32LE(gnetStatsQueue.overlimits),
  }
}
