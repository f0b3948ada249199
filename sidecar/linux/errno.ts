/** Error numbers of the kernel (include/uapi/asm-generic/errno.h), by way of Node's own table. */
import { constants } from 'node:os'

/** Where one number has two names, as EAGAIN and EWOULDBLOCK do, the first is the one that manual pages use. */
const names = new Map<number, string>(
  Object.entries(constants.errno)
    .map(([name, number]): [number, string] => [number, name])
    .reverse(),
)

/** `ECONNREFUSED` for 111; `E123` for a number without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `E${errno}`
}

/** A system call failed where going on makes no sense; `detail` says what was being done. */
export class SyscallError extends Error {
  readonly code: string
  readonly errno: number
  readonly syscall: string

  constructor(syscall: string, errno: number, detail: string) {
    super(`${detail}: ${syscall} failed with ${errnoName(errno)}`)
    this.name = 'SyscallError'
    this.code = errnoName(errno)
    this.errno = errno
    this.syscall = syscall
  }
}

export const EPERM = constants.errno.EPERM
export const EACCES = constants.errno.EACCES
export const EINTR = constants.errno.EINTR
export const EIO = constants.errno.EIO
export const EINVAL = constants.errno.EINVAL
export const EAGAIN = constants.errno.EAGAIN
export const EADDRINUSE = constants.errno.EADDRINUSE
export const EMSGSIZE = constants.errno.EMSGSIZE
export const ENOBUFS = constants.errno.ENOBUFS
export const ENETDOWN = constants.errno.ENETDOWN
export const ENODEV = constants.errno.ENODEV
export const EEXIST = constants.errno.EEXIST
export const EBUSY = constants.errno.EBUSY
export const ERANGE = constants.errno.ERANGE
export const ENOSYS = constants.errno.ENOSYS
export const EOPNOTSUPP = constants.errno.EOPNOTSUPP
