/**
 * What waits to be sent from one socket: an ordered list of messages, laid out in mapped memory in the form that
 * sendmmsg(2) takes. A message is one datagram or, where UDP_SEGMENT may be used, several of equal size of which the last
 * may be shorter; the kernel or the device cuts it. Vectors point at captured bytes, never at copies.
 *
 * Order: messages leave in the list's order. A datagram may join a message only at or behind the one that holds its
 * flow's last datagram, so that no flow is reordered while different flows share messages.
 */
import type { Memory } from '../../wire/memory.ts'
import { cmsghdr, iovec, mmsghdr, SOL_UDP, UDP_SEGMENT } from '../linux/abi.ts'

export interface ListShape {
  /** Messages that one sendmmsg carries. */
  readonly messages: number
  /** Datagrams that a message holds at most. */
  readonly datagrams: number
}

/** Beyond 64 datagrams the share of the call itself no longer shrinks measurably. */
export const singleShape: ListShape = { messages: 64, datagrams: 1 }
/** Traffic of mixed sizes keeps many messages open. 64 datagrams are UDP_MAX_SEGMENTS of Linux before 6.9. */
export const batchShape: ListShape = { messages: 32, datagrams: 64 }

/** A captured frame is one piece; a segment is two: its new headers and its payload. */
const piecesPerDatagram = 2
/** struct cmsghdr with a 16-bit value, padded to 8 bytes: CMSG_SPACE(2). */
const controlLength = cmsghdr.length + 8
/** Flows are told apart by eight bits of their hash; those that share a place are kept in order as if they were one. */
const flowPlaces = 256
const flowShift = 8

/** What is known of a message, in one array: a datagram's way to it is all that `add` does. */
const state = {
  /** Bytes of its datagrams; the last may have fewer. */
  size: 0,
  /** How many may still join. Negative where none may any more, although there would be room for as many. */
  room: 1,
  /** How many it would hold at most. */
  capacity: 2,
  /** Word of its next vector. */
  next: 3,
  /** Bytes that its last datagram has fewer. */
  short: 4,
  stride: 8,
} as const

/** Where a list is laid out. */
export interface ListPlace {
  readonly memory: Memory
  /** Of the memory's first byte. */
  readonly address: number
  /** Offset of `listLength(shape)` zeroed bytes in the memory, a multiple of 8. */
  readonly at: number
}

/** Bytes of memory that a list takes. */
export function listLength({ messages, datagrams }: ListShape): number {
  return messages * (mmsghdr.length + controlLength + datagrams * piecesPerDatagram * iovec.length)
}

export class BatchList {
  readonly shape: ListShape
  /** How many messages wait. */
  count = 0
  /** In halves and no argument of `add`: V8 would put a number of that size on the heap for each call. */
  readonly #baseLow: number
  readonly #baseHigh: number
  readonly #u32: Uint32Array
  readonly #address: number
  readonly #messagesAt: number
  readonly #controlsAt: number
  readonly #vectorsAt: number
  /** Words of vectors that a message has. */
  readonly #vectorsStride: number
  readonly #mostBytes: number
  readonly #states: Int32Array
  /** Bytes of the largest datagram that others may join; 0 where each leaves by itself. */
  #largestJoined = 0
  #nextLargestJoined = 0
  /** The message that holds a flow's last datagram. */
  readonly #lastOf = new Uint8Array(flowPlaces)

  /**
   * @param base address that the offsets of datagrams, below 2^32, are added to
   * @param mostBytes that one message may have: 65,535 less the headers that its IP packet counts
   */
  constructor({ memory, address, at }: ListPlace, shape: ListShape, base: number, mostBytes: number) {
    const { messages, datagrams } = shape
    this.#baseLow = base | 0
    this.#baseHigh = Math.floor(base / 0x1_0000_0000)
    this.shape = shape
    this.#u32 = memory.u32
    this.#address = address
    this.#messagesAt = at
    this.#controlsAt = at + messages * mmsghdr.length
    this.#vectorsAt = this.#controlsAt + messages * controlLength
    this.#vectorsStride = (datagrams * piecesPerDatagram * iovec.length) >> 2
    this.#mostBytes = mostBytes
    this.#states = new Int32Array(messages * state.stride)
    for (let index = 0; index < messages; index++) this.#layOut(index)
  }

  #layOut(index: number): void {
    const message = this.#messagesAt + index * mmsghdr.length
    const control = this.#controlsAt + index * controlLength
    this.#writeAddress((message + mmsghdr.iov) >> 2, this.#address + this.#vectorsAt + index * this.#vectorsStride * 4)
    this.#writeAddress((message + mmsghdr.control) >> 2, this.#address + control)
    this.#u32[(control + cmsghdr.bytes) >> 2] = cmsghdr.length + 2
    this.#u32[(control + cmsghdr.level) >> 2] = SOL_UDP
    this.#u32[(control + cmsghdr.type) >> 2] = UDP_SEGMENT
  }

  #writeAddress(word: number, address: number): void {
    this.#u32[word] = address >>> 0
    this.#u32[word + 1] = (address / 0x1_0000_0000) >>> 0
  }

  /**
   * Lets datagrams up to a size share messages, from the next time on that the list is empty: what the path carries
   * unfragmented. 0: each is a message of its own.
   */
  joinUpTo(bytes: number): void {
    this.#nextLargestJoined = bytes
    if (this.count === 0) this.#largestJoined = bytes
  }

  /**
   * Queues a datagram of one or two pieces, at offsets from the list's base.
   * @returns false when it did not fit: what waits must be sent first
   */
  add(flow: number, headAt: number, headLength: number, payloadAt: number, payloadLength: number): boolean {
    const states = this.#states
    const size = headLength + payloadLength
    let index = this.count
    if (this.#largestJoined !== 0) {
      const place = (flow >>> flowShift) & (flowPlaces - 1)
      index = this.#messageFor(size, payloadLength !== 0, this.#lastOf[place]!)
      this.#lastOf[place] = index
    }
    if (index === this.count) {
      if (index === this.shape.messages) return false
      this.#open(index, size)
    } else {
      this.#join(index * state.stride, size)
    }
    const nextAt = index * state.stride + state.next
    let word = states[nextAt]!
    this.#writeVector(word, headAt, headLength)
    word += iovec.length >> 2
    if (payloadLength !== 0) {
      this.#writeVector(word, payloadAt, payloadLength)
      word += iovec.length >> 2
    }
    states[nextAt] = word
    return true
  }

  /** @param at offset from the base, below 2^32 */
  #writeVector(word: number, at: number, length: number): void {
    const u32 = this.#u32
    const low = (this.#baseLow + at) | 0
    u32[word] = low
    // Where the lower half ran over, it is below what was added.
    u32[word + 1] = low >>> 0 < at ? this.#baseHigh + 1 : this.#baseHigh
    u32[word + 2] = length
  }

  /**
   * The first message, at or behind the flow's last, that the datagram may join; `count` when it needs a new one. A last
   * segment, which is short, may end a message of larger ones; any other short datagram may not, since it would take
   * the message from those that come after it.
   */
  #messageFor(size: number, isSegment: boolean, from: number): number {
    const states = this.#states
    const count = this.count
    for (let index = from; index < count; index++) {
      const at = index * state.stride
      if (states[at + state.room]! <= 0) continue
      const other = states[at + state.size]!
      if (size === other || (isSegment && size < other)) return index
    }
    return count
  }

  #join(at: number, size: number): void {
    const states = this.#states
    const room = states[at + state.room]! - 1
    const short = states[at + state.size]! - size
    states[at + state.room] = room
    if (short === 0) return
    states[at + state.short] = short
    states[at + state.room] = -room
  }

  #open(index: number, size: number): void {
    const states = this.#states
    const at = index * state.stride
    const capacity = size > this.#largestJoined ? 1 : Math.min(this.shape.datagrams, (this.#mostBytes / size) | 0)
    states[at + state.size] = size
    states[at + state.room] = capacity - 1
    states[at + state.capacity] = capacity
    states[at + state.next] = this.#firstVector(index)
    states[at + state.short] = 0
    this.count = index + 1
  }

  #firstVector(index: number): number {
    return (this.#vectorsAt >> 2) + index * this.#vectorsStride
  }

  #vectorsEnd(index: number): number {
    return this.#states[index * state.stride + state.next]!
  }

  #held(index: number): number {
    const at = index * state.stride
    return this.#states[at + state.capacity]! - Math.abs(this.#states[at + state.room]!)
  }

  /** Completes the messages; then they may be sent, in order, from `messageAddress(0)` on. */
  seal(): void {
    const u32 = this.#u32
    for (let index = 0; index < this.count; index++) {
      const message = (this.#messagesAt + index * mmsghdr.length) >> 2
      u32[message + (mmsghdr.iovCount >> 2)] =
        (this.#vectorsEnd(index) - this.#firstVector(index)) / (iovec.length >> 2)
      const batched = this.#held(index) > 1
      u32[message + (mmsghdr.controlLength >> 2)] = batched ? controlLength : 0
      if (batched) u32[(this.#controlsAt + index * controlLength + cmsghdr.length) >> 2] = this.size(index)
    }
  }

  messageAddress(index: number): number {
    return this.#address + this.#messagesAt + index * mmsghdr.length
  }

  /** Bytes of each datagram of a message but the last. */
  size(index: number): number {
    return this.#states[index * state.stride + state.size]!
  }

  datagrams(from: number, to: number): number {
    let sum = 0
    for (let index = from; index < to; index++) sum += this.#held(index)
    return sum
  }

  bytes(from: number, to: number): number {
    let sum = 0
    for (let index = from; index < to; index++) {
      sum += this.#held(index) * this.size(index) - this.#states[index * state.stride + state.short]!
    }
    return sum
  }

  /**
   * Puts the datagrams of one message, each by itself, into an empty list of single ones.
   * Preconditions: `into` has the same base, and room for as many as a message holds.
   */
  split(index: number, into: BatchList): void {
    const size = this.size(index)
    const first = this.#firstVector(index)
    const end = this.#vectorsEnd(index)
    for (let word = first; word < end; word += iovec.length >> 2) {
      const headLength = this.#u32[word + 2]!
      const headAt = this.#offsetAt(word)
      const second = word + (iovec.length >> 2)
      if (headLength === size || second === end) {
        into.add(0, headAt, headLength, 0, 0)
        continue
      }
      into.add(0, headAt, headLength, this.#offsetAt(second), this.#u32[second + 2]!)
      word = second
    }
  }

  #offsetAt(word: number): number {
    return (this.#u32[word]! - this.#baseLow) >>> 0
  }

  clear(): void {
    this.count = 0
    if (this.#largestJoined !== 0) this.#lastOf.fill(0)
    this.#largestJoined = this.#nextLargestJoined
  }
}
