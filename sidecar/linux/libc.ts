/**
 * The C library's functions, as koffi prototypes. Nothing outside sidecar/linux/ imports this file or koffi.
 *
 * Addresses cross as numbers (`uintptr_t`): user-space addresses are below 2^47 on x86_64 and 2^48 on aarch64, well
 * inside a double's 53 bits. ioctl(2) is variadic: its integers go where other functions' go, on both (System V psABI,
 * AAPCS64). Buffers are passed only to calls that use them before they return.
 */
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')

export const socket = libc.func('int socket(int domain, int type, int protocol)')
export const close = libc.func('int close(int fd)')
export const bind = libc.func('int bind(int fd, void *address, uint32_t length)')
export const connect = libc.func('int connect(int fd, void *address, uint32_t length)')
export const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)')
export const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')
export const sendmmsg = libc.func('int sendmmsg(int fd, uintptr_t messages, uint32_t count, int flags)')
export const send = libc.func('intptr_t send(int fd, void *bytes, size_t length, int flags)')
export const recv = libc.func('intptr_t recv(int fd, void *buffer, size_t length, int flags)')
export const mmap = libc.func(
  'uintptr_t mmap(uintptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
)
export const munmap = libc.func('int munmap(uintptr_t address, size_t length)')
export const madvise = libc.func('int madvise(uintptr_t address, size_t length, int advice)')
/** Undefined where the C library is not GNU's. */
export const mallocTrim: ((pad: number) => number) | undefined = unlessMissing('int malloc_trim(size_t pad)')
export const memcmp = libc.func('int memcmp(uintptr_t one, void *other, size_t length)')
export const poll = libc.func('int poll(uintptr_t descriptors, unsigned long count, int timeout)')
export const eventfd = libc.func('int eventfd(unsigned int initial, int flags)')
export const eventfdWrite = libc.func('int eventfd_write(int fd, uint64_t value)')
export const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)')
export const interfaceIndex = libc.func('unsigned int if_nametoindex(const char *name)')
/** syscall(2) as bpf(2) needs it: the C library has no function of that name. */
export const syscallBpf = libc.func('intptr_t syscall(long number, int command, void *attribute, uint32_t size)')

function unlessMissing(prototype: string): ReturnType<typeof libc.func> | undefined {
  try {
    return libc.func(prototype)
  } catch {
    return undefined
  }
}

export function errno(): number {
  return koffi.errno()
}

/** The bytes at an address as an ArrayBuffer over the same memory. Safety: no view may be used after munmap. */
export function view(address: number, length: number): ArrayBuffer {
  return koffi.view(BigInt(address), length) as ArrayBuffer
}

/** Where a buffer's bytes are. It stays there as long as the buffer does, if it is not on V8's own heap. */
export function addressOf(buffer: ArrayBuffer): number {
  return Number(koffi.address(buffer))
}

/** poll(2) on one of libuv's threads; resolves with its result, or with a negative errno. */
export function pollAsync(descriptors: number, count: number, timeoutMs: number): Promise<number> {
  return new Promise((resolve) => {
    poll.async(descriptors, count, timeoutMs, (error: unknown, result: number) => {
      resolve(error ? -1 : result)
    })
  })
}
