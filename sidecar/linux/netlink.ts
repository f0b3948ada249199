/** Requests to the kernel over a NETLINK_ROUTE socket, each answered before the next: netlink(7), rtnetlink(7). */
import { SOCK_CLOEXEC, SOCK_RAW } from './abi.ts'
import {
  AF_NETLINK,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_ROUTE,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  NLMSGERR_ATTR_MSG,
  nlmsgerr,
  nlmsghdr,
  SOL_NETLINK,
} from './abi-netlink.ts'
import { NLM_F_DUMP, NLMSG_DONE } from './abi-traffic-control.ts'
import { SyscallError } from './errno.ts'
import * as libc from './libc.ts'
import { attributes, message, textOf } from './netlink-message.ts'
import { tryOption } from './socket-options.ts'

export interface Answer {
  /** 0, or the errno with which the kernel refused. */
  readonly errno: number
  /** The kernel's own sentence about a refusal (NLMSGERR_ATTR_MSG); empty where it has none. */
  readonly said: string
  /** What follows the header of the one message that came before the acknowledgement; empty where none did. */
  readonly body: Buffer
}

/** A link's description is a few KiB; netlink(7) advises 8 KiB and more. */
const receiveBytes = 65_536

/** What became of a change: errno 0, or why the kernel refused it and its own words about it. */
export type Change = Pick<Answer, 'errno' | 'said'>

function openSocket(): number {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)
  if (fd < 0) throw new SyscallError('socket', libc.errno(), 'cannot open a netlink socket')
  // Best effort: sentences beside error numbers (Linux 4.12), and answers that do not quote the whole request.
  tryOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1)
  tryOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1)
  return fd
}

/**
 * One request over a socket of its own.
 * @throws SyscallError where sending or receiving itself fails
 */
export function ask(type: number, body: readonly Buffer[], flags = 0): Answer {
  const fd = openSocket()
  try {
    const bytes = message(type, NLM_F_REQUEST | NLM_F_ACK | flags, 1, ...body)
    if (libc.send(fd, bytes, bytes.length, 0) < 0) throw new SyscallError('send', libc.errno(), 'netlink request')
    return answerOf(fd, 1)
  } finally {
    libc.close(fd)
  }
}

/**
 * Every object of a kind: what follows the header of each message.
 * @throws SyscallError when the kernel refuses
 */
export function askAll(type: number, body: readonly Buffer[]): Buffer[] {
  const fd = openSocket()
  try {
    const bytes = message(type, NLM_F_REQUEST | NLM_F_DUMP, 1, ...body)
    if (libc.send(fd, bytes, bytes.length, 0) < 0) throw new SyscallError('send', libc.errno(), 'netlink request')
    const found: Buffer[] = []
    for (;;) {
      for (const { type: kind, content } of receive(fd, 1)) {
        if (kind === NLMSG_DONE) return found
        if (kind === NLMSG_ERROR) throw new SyscallError('netlink', verdict(content, 0).errno, 'cannot list')
        found.push(content)
      }
    }
  } finally {
    libc.close(fd)
  }
}

interface Received {
  readonly type: number
  readonly flags: number
  readonly content: Buffer
}

const buffer = Buffer.alloc(receiveBytes)

/** The messages of one datagram that answer a request. */
function receive(fd: number, sequence: number): Received[] {
  const length = Number(libc.recv(fd, buffer, buffer.length, 0))
  if (length < 0) throw new SyscallError('recv', libc.errno(), 'netlink answer')
  const found: Received[] = []
  let at = 0
  while (at + nlmsghdr.length <= length) {
    const end = at + buffer.readUInt32LE(at + nlmsghdr.bytes)
    if (end < at + nlmsghdr.length || end > length) break
    if (buffer.readUInt32LE(at + nlmsghdr.sequence) === sequence) {
      const content = Buffer.from(buffer.subarray(at + nlmsghdr.length, end))
      found.push({
        type: buffer.readUInt16LE(at + nlmsghdr.type),
        flags: buffer.readUInt16LE(at + nlmsghdr.flags),
        content,
      })
    }
    at = (end + 3) & ~3
  }
  return found
}

function answerOf(fd: number, sequence: number): Answer {
  let body: Buffer = Buffer.alloc(0)
  for (;;) {
    for (const { type, flags, content } of receive(fd, sequence)) {
      if (type === NLMSG_ERROR) return { ...verdict(content, flags), body }
      body = content
    }
  }
}

/** struct nlmsgerr: 0 is an acknowledgement, a negative errno a refusal. */
function verdict(content: Buffer, flags: number): Pick<Answer, 'errno' | 'said'> {
  const found = (flags & NLM_F_ACK_TLVS) === 0 ? undefined : attributes(content.subarray(nlmsgerr.length))
  return {
    errno: Math.abs(content.readInt32LE(nlmsgerr.error)),
    said: textOf(found?.get(NLMSGERR_ATTR_MSG)) ?? '',
  }
}
