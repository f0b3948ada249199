/**
 * Sends what waits in a list, and decides what an error means.
 *
 * Errors are never fatal. Most belong to an earlier datagram (an ICMP error that came back) and merely take the place
 * of the next send: that message was not sent and is tried again. A message of several datagrams that the kernel refuses
 * as such is sent as single ones. What stays refused is counted with its errno.
 */
import type { Counters } from '../counters.ts'
import { EAGAIN, EINTR, EINVAL, EIO, EMSGSIZE, ENOBUFS, errnoName } from '../linux/errno.ts'
import { drainErrors, pause, sendMessages, waitWritable } from '../linux/udp-socket.ts'
import type { BatchList } from './batch-list.ts'

/** Tries for one message before it is given up: after an error of its own, and after errors of earlier datagrams. */
const ownTries = 3
const foreignTries = 64
const fullBufferWaitMs = 10
/** The most that may be spent waiting between two flushes: meanwhile the ring fills, and nothing else runs. */
const patienceMs = 20
const fullQueuePauseMs = 1

/** The system calls that sending takes; see linux/udp-socket.ts. */
export interface SendCalls {
  sendMessages(fd: number, messagesAddress: number, count: number): number
  drainErrors(fd: number): number
  waitWritable(fd: number, timeoutMs: number): void
  pause(timeoutMs: number): void
}

const kernel: SendCalls = { sendMessages, drainErrors, waitWritable, pause }

/** What the sender tells of a way to a sensor. */
export interface Outlet {
  /** Datagrams that the kernel took, and that it had no way for. */
  taken: number
  refused: number
  learnMtu(): void
  /** The kernel refused a message of several datagrams, of which the larger have `size` bytes. */
  batchRefused(size: number, errno: number): void
}

export class Sender {
  readonly #counters: Counters
  readonly #singles: BatchList
  readonly #calls: SendCalls
  #patience: number = patienceMs

  /** @param singles an empty list of single datagrams, as long as a message may hold */
  constructor(counters: Counters, singles: BatchList, calls: SendCalls = kernel) {
    this.#counters = counters
    this.#singles = singles
    this.#calls = calls
  }

  /** Waiting may take its time anew. */
  rest(): void {
    this.#patience = patienceMs
  }

  /** Sends every message of the list, and clears it. */
  send(outlet: Outlet, fd: number, list: BatchList): void {
    const counters = this.#counters
    const count = list.count
    list.seal()
    let done = 0
    let own = 0
    let foreign = 0
    while (done < count) {
      const sent = this.#calls.sendMessages(fd, list.messageAddress(done), count - done)
      if (sent > 0) {
        const datagrams = list.datagrams(done, done + sent)
        counters.sentFrames += datagrams
        outlet.taken += datagrams
        counters.sentBytes += list.bytes(done, done + sent)
        done += sent
        own = 0
        foreign = 0
        continue
      }
      const errno = -sent
      if (errno === EINTR) continue
      counters.countSendError(errnoName(errno))
      // A datagram that is too large may queue an error of its own (ip6_append_data in net/ipv6/ip6_output.c).
      const foreignLimit = errno === EMSGSIZE ? ownTries : foreignTries
      if (this.#calls.drainErrors(fd) > 0 && foreign++ < foreignLimit) continue
      const batched = list.datagrams(done, done + 1) > 1
      if (batched && (errno === EINVAL || errno === EIO || errno === EMSGSIZE)) {
        outlet.batchRefused(list.size(done), errno)
        this.#sendSplit(outlet, fd, list, done)
      } else if (++own < ownTries && this.#patience > 0) {
        this.#patience -= this.#makeRoom(outlet, fd, errno)
        continue
      } else if (batched && errno === ENOBUFS) {
        // Less at a time may find room.
        this.#sendSplit(outlet, fd, list, done)
      } else {
        const lost = list.datagrams(done, done + 1)
        counters.dropped.send_error += lost
        // A full queue or buffer is no reason to open the sockets anew, nor is one large frame.
        if (errno !== EAGAIN && errno !== ENOBUFS && errno !== EMSGSIZE) outlet.refused += lost
      }
      done++
      own = 0
      foreign = 0
    }
    list.clear()
  }

  #sendSplit(outlet: Outlet, fd: number, list: BatchList, index: number): void {
    list.split(index, this.#singles)
    this.send(outlet, fd, this.#singles)
  }

  /** Does what may let the next try succeed; the milliseconds that it may have taken. */
  #makeRoom(outlet: Outlet, fd: number, errno: number): number {
    if (errno === EAGAIN) {
      this.#calls.waitWritable(fd, fullBufferWaitMs)
      return fullBufferWaitMs
    }
    if (errno === ENOBUFS) {
      this.#calls.pause(fullQueuePauseMs)
      return fullQueuePauseMs
    }
    if (errno === EMSGSIZE) outlet.learnMtu()
    return 0
  }
}
