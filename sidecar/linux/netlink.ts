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

interface RouteSocket {
  /** @throws SyscallError where sending or receiving itself fails */
  request(type: number, body: readonly Buffer[], flags?: number): Answer
  close(): void
}

function openRouteSocket(): RouteSocket {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)
  if (fd < 0) throw new SyscallError('socket', libc.errno(), 'cannot open a netlink socket')
  // Best effort: sentences beside error numbers (Linux 4.12), and answers that do not quote the whole request.
  tryOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1)
  tryOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1)
  const buffer = Buffer.alloc(receiveBytes)
  let sequence = 0
  return {
    request(type, body, flags = 0) {
      sequence++
      const bytes = message(type, NLM_F_REQUEST | NLM_F_ACK | flags, sequence, ...body)
      if (libc.send(fd, bytes, bytes.length, 0) < 0) throw new SyscallError('send', libc.errno(), 'netlink request')
      return answerOf(fd, buffer, sequence)
    },
    close: () => void libc.close(fd),
  }
}

/** One request over a socket of its own. */
export function ask(type: number, body: readonly Buffer[], flags = 0): Answer {
  const socket = openRouteSocket()
  try {
    return socket.request(type, body, flags)
  } finally {
    socket.close()
  }
}

function answerOf(fd: number, buffer: Buffer, sequence: number): Answer {
  let body = Buffer.alloc(0)
  for (;;) {
    const length = Number(libc.recv(fd, buffer, buffer.length, 0))
    if (length < 0) throw new SyscallError('recv', libc.errno(), 'netlink answer')
    let at = 0
    while (at + nlmsghdr.length <= length) {
      const end = at + buffer.readUInt32LE(at + nlmsghdr.bytes)
      if (end < at + nlmsghdr.length || end > length) break
      if (buffer.readUInt32LE(at + nlmsghdr.sequence) === sequence) {
        const content = Buffer.from(buffer.subarray(at + nlmsghdr.length, end))
        if (buffer.readUInt16LE(at + nlmsghdr.type) === NLMSG_ERROR)
          return { ...verdict(content, buffer.readUInt16LE(at + nlmsghdr.flags)), body }
        body = content
      }
      at = (end + 3) & ~3
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
