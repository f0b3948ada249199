/**
 * sendmmsg(2) as a model: takes messages apart as the kernel does, cuts those with UDP_SEGMENT, refuses what it would
 * refuse, and fails when told to. Written from udp(7), sendmmsg(2) and udp_send_skb in net/ipv4/udp.c, without a line of
 * the sidecar's.
 */
import type { SendCalls } from '../../sidecar/tunnel/sender.ts'

const EINVAL = 22
const EMSGSIZE = 90

/** What the next message meets. */
export type Fault =
  | { readonly kind: 'error'; readonly errno: number }
  /** An ICMP error of an earlier datagram takes its place. */
  | { readonly kind: 'foreign'; readonly errno: number }
  | { readonly kind: 'none' }

export interface ModelOptions {
  /** Finds the bytes at an address. */
  readonly read: (address: number, length: number) => Uint8Array
  readonly faults: Iterator<Fault>
  /** Largest UDP payload that the device carries in one packet. */
  readonly largest: () => number
  /** Errno for messages of several datagrams; 0 where they are taken. */
  readonly batchErrno: () => number
}

export class ModelKernel implements SendCalls {
  /** What was sent, datagram by datagram. */
  readonly datagrams: Uint8Array[] = []
  messages = 0
  largestBatch = 0
  readonly #options: ModelOptions
  #queued = 0

  constructor(options: ModelOptions) {
    this.#options = options
  }

  sendMessages(_fd: number, address: number, count: number): number {
    for (let index = 0; index < count; index++) {
      const errno = this.#message(address + index * 64)
      if (errno !== 0) return index > 0 ? index : -errno
    }
    return count
  }

  drainErrors(): number {
    const drained = this.#queued
    this.#queued = 0
    return drained
  }

  waitWritable(): void {}
  pause(): void {}

  #message(address: number): number {
    const fault = this.#options.faults.next().value as Fault
    if (fault.kind === 'foreign') this.#queued++
    if (fault.kind !== 'none') return fault.errno
    const header = this.#options.read(address, 56)
    const view = new DataView(header.buffer, header.byteOffset)
    const u64 = (at: number) => Number(view.getBigUint64(at, true))
    const payload = Buffer.concat(vectors(this.#options.read, u64(16), u64(24)))
    const segment = u64(40) === 0 ? 0 : this.#segmentSize(u64(32), u64(40))
    if (segment === 0) {
      this.datagrams.push(payload)
    } else {
      const count = Math.ceil(payload.length / segment)
      if (this.#options.batchErrno() !== 0) return this.#options.batchErrno()
      if (segment > this.#options.largest() || count > 64) return EINVAL
      if (payload.length > 65_507) return EMSGSIZE
      this.largestBatch = Math.max(this.largestBatch, count)
      for (let at = 0; at < payload.length; at += segment) this.datagrams.push(payload.subarray(at, at + segment))
    }
    this.messages++
    return 0
  }

  #segmentSize(address: number, length: number): number {
    const control = this.#options.read(address, length)
    const view = new DataView(control.buffer, control.byteOffset)
    if (Number(view.getBigUint64(0, true)) !== 18 || view.getInt32(8, true) !== 17 || view.getInt32(12, true) !== 103)
      throw new Error(`not a UDP_SEGMENT control message: ${Buffer.from(control).toString('hex')}`)
    return view.getUint16(16, true)
  }
}

function vectors(read: ModelOptions['read'], address: number, count: number): Uint8Array[] {
  const bytes = read(address, count * 16)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Array.from({ length: count }, (_, index) =>
    read(Number(view.getBigUint64(index * 16, true)), Number(view.getBigUint64(index * 16 + 8, true))),
  )
}
