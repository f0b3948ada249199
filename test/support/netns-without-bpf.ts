/**
 * `vxtap` under a seccomp filter that answers bpf(2) with EPERM, as container runtimes' default profile does where the
 * container has neither BPF nor SYS_ADMIN: seccomp(2), include/uapi/linux/seccomp.h, filter.h.
 */
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')
const mmap = libc.func('uintptr_t mmap(uintptr_t at, size_t length, int protection, int flags, int fd, int64_t offset)')
const prctl = libc.func('int prctl(int option, unsigned long a, uintptr_t b, unsigned long c, unsigned long d)')

const PR_SET_SECCOMP = 22
const PR_SET_NO_NEW_PRIVS = 38
const SECCOMP_MODE_FILTER = 2n
const EPERM = 1
const bpfCall = process.arch === 'arm64' ? 280 : 321

/** struct sock_filter: code, jump if true, jump if false, constant. The call's number is first in struct seccomp_data. */
const filter = [
  [0x20, 0, 0, 0],
  [0x15, 0, 1, bpfCall],
  [0x06, 0, 0, 0x0005_0000 | EPERM],
  [0x06, 0, 0, 0x7fff_0000],
] as const

const page = Number(mmap(0, 4096, 3, 0x22, -1, 0))
const bytes = Buffer.from(koffi.view(BigInt(page), 4096) as ArrayBuffer)
for (const [index, [code, yes, no, constant]] of filter.entries()) {
  bytes.writeUInt16LE(code, 16 + index * 8)
  bytes[16 + index * 8 + 2] = yes
  bytes[16 + index * 8 + 3] = no
  bytes.writeUInt32LE(constant, 16 + index * 8 + 4)
}
// struct sock_fprog
bytes.writeUInt16LE(filter.length, 0)
bytes.writeBigUInt64LE(BigInt(page + 16), 8)
if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, page, 0, 0) !== 0) {
  throw new Error(`the seccomp filter was refused: errno ${koffi.errno()}`)
}
await import('../../cli/main.ts')
