/** Changes sockets of another process: pidfd_open(2), pidfd_getfd(2). The tests run as root of their sandbox. */
import { closeSync, readdirSync, readlinkSync } from 'node:fs'
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')
const syscall = libc.func('long syscall(long number, long first, long second, long third)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)')

/** The same numbers on x86_64 and aarch64: include/uapi/asm-generic/unistd.h. */
const pidfdOpen = 434
const pidfdGetfd = 438
const EBADF = 9
const SOL_SOCKET = 1
const SO_NO_CHECK = 11

/**
 * Sets SO_NO_CHECK on every socket of a process. The kernel then refuses UDP_SEGMENT over IPv4 with EINVAL
 * (udp_send_skb), as it does with EIO where a device or an IPsec policy cannot carry it.
 * @returns how many sockets there were, those included that it closed meanwhile
 */
export function refuseBatches(pid: number): number {
  const pidfd = check('pidfd_open', syscall(pidfdOpen, pid, 0, 0))
  const sockets = readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(pid, fd))
  for (const number of sockets) {
    const fd = Number(syscall(pidfdGetfd, pidfd, Number(number), 0))
    // It was closed meanwhile.
    if (fd < 0 && koffi.errno() === EBADF) continue
    check('pidfd_getfd', fd)
    const one = Buffer.alloc(4)
    one.writeUInt32LE(1)
    setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, one, one.length)
    closeSync(fd)
  }
  closeSync(pidfd)
  return sockets.length
}

function isSocket(pid: number, fd: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')
  } catch {
    // It was closed meanwhile.
    return false
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new Error(`${call}: errno ${koffi.errno()}`)
  return result
}
