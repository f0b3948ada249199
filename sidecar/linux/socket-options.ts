/** setsockopt(2), getsockopt(2) and what every socket shares. */
import { SO_ERROR, SOL_SOCKET } from './abi.ts'
import { SyscallError } from './errno.ts'
import * as libc from './libc.ts'

const integer = Buffer.alloc(4)
const length = Buffer.alloc(4)

/** Sets an option whose value is an int; returns 0, or the errno that tells why not. */
export function tryOption(fd: number, level: number, name: number, value: number): number {
  integer.writeUInt32LE(value >>> 0)
  return libc.setsockopt(fd, level, name, integer, 4) < 0 ? libc.errno() : 0
}

export function setOption(fd: number, level: number, name: number, value: number, label: string): void {
  const errno = tryOption(fd, level, name, value)
  if (errno !== 0) throw new SyscallError('setsockopt', errno, `cannot set ${label}`)
}

export function setOptionBytes(fd: number, level: number, name: number, value: Buffer, label: string): void {
  if (libc.setsockopt(fd, level, name, value, value.length) < 0) {
    throw new SyscallError('setsockopt', libc.errno(), `cannot set ${label}`)
  }
}

/** An option whose value is an int, or -errno. */
export function getOption(fd: number, level: number, name: number): number {
  length.writeUInt32LE(4)
  if (libc.getsockopt(fd, level, name, integer, length) < 0) return -libc.errno()
  return integer.readInt32LE()
}

/** The socket's pending error, which reading clears; 0 where there is none. */
export function takeError(fd: number): number {
  return getOption(fd, SOL_SOCKET, SO_ERROR)
}

export function closeSocket(fd: number): void {
  libc.close(fd)
}
