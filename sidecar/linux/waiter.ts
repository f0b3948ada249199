/**
 * Waiting for a descriptor without blocking the event loop: libuv cannot watch an AF_PACKET socket for JavaScript, so
 * poll(2) runs on one of libuv's threads, with an eventfd beside it through which the wait can be ended.
 */
import { EFD_CLOEXEC, EFD_NONBLOCK, POLLERR, POLLIN, pollfd } from './abi.ts'
import { SyscallError } from './errno.ts'
import * as libc from './libc.ts'
import { type Mapping, mapAnonymous, pageSize } from './mapping.ts'

/** The descriptor, and the eventfd. */
const descriptors = 2

export class Waiter {
  readonly #mapping: Mapping
  readonly #eventFd: number
  #closed = false

  constructor() {
    this.#mapping = mapAnonymous(pageSize, 'poll(2)')
    this.#eventFd = libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
    if (this.#eventFd < 0) throw new SyscallError('eventfd', libc.errno(), 'cannot make an eventfd')
  }

  /**
   * Waits until `fd` is readable or in error, `wake` was called, or the time is over. One wait at a time.
   * @returns true when the descriptor reports an error (for a packet socket: its interface went down)
   */
  async wait(fd: number, timeoutMs: number): Promise<boolean> {
    this.#prepare(fd)
    await libc.pollAsync(this.#mapping.address, descriptors, timeoutMs)
    if (this.#closed) return false
    return this.#hasError()
  }

  /** The same, but blocks the thread: for moments. */
  waitHere(fd: number, timeoutMs: number): boolean {
    this.#prepare(fd)
    libc.poll(this.#mapping.address, descriptors, timeoutMs)
    return this.#hasError()
  }

  #prepare(fd: number): void {
    const { u32 } = this.#mapping.memory
    u32[pollfd.fd >> 2] = fd
    u32[pollfd.events >> 2] = POLLIN
    u32[(pollfd.length + pollfd.fd) >> 2] = this.#eventFd
    u32[(pollfd.length + pollfd.events) >> 2] = POLLIN
  }

  #hasError(): boolean {
    return (this.#mapping.memory.u16[pollfd.revents >> 1]! & POLLERR) !== 0
  }

  /** Ends the present wait, and every later one at once. */
  wake(): void {
    libc.eventfdWrite(this.#eventFd, 1)
  }

  close(): void {
    this.#closed = true
    libc.close(this.#eventFd)
    this.#mapping.unmap()
  }
}
