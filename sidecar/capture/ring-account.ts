/**
 * The kernel's count of a ring beside what was read from it, so that no frame is missing from either. Pure.
 *
 * A place in a block may be void: tpacket_rcv() in net/packet/af_packet.c takes it before it finds that it cannot describe
 * the super-frame (virtio_net_hdr_from_skb() knows those of TCP and of UDP_SEGMENT alone, not SCTP's), drops that, and
 * leaves in the place what an earlier frame wrote there, its status without TP_STATUS_USER. It counts it as a drop like
 * those of a full ring.
 */
import type { Counters } from '../counters.ts'
import type { RingStatistics } from '../linux/packet-socket.ts'

export class RingAccount {
  readonly #counters: Counters
  #written = 0
  #read = 0
  /** Of which the kernel's drops have not yet been told apart. */
  #voids = 0

  constructor(counters: Counters) {
    this.#counters = counters
  }

  /** @param places of a block, void ones included */
  block(places: number): void {
    this.#read += places
  }

  /** One of a block's places is void. */
  void(): void {
    this.#read--
    this.#voids++
  }

  /** @param statistics what the kernel has counted since the last call */
  add({ packets, drops, freezes }: RingStatistics): void {
    const counters = this.#counters
    const voids = Math.min(this.#voids, drops)
    this.#voids -= voids
    this.#written += packets - drops
    counters.capturedFrames += drops
    counters.dropped.ring_full += drops - voids
    counters.dropped.malformed += voids
    counters.ringFreezes += freezes
  }

  /** Frames that the kernel has written and nobody has read. */
  get unread(): number {
    return this.#written - this.#read
  }

  /** The ring is given up, with all that is still in it. */
  abandon(): void {
    const lost = Math.max(this.unread, 0)
    this.#counters.capturedFrames += lost
    this.#counters.dropped.shutdown += lost
    this.#written = 0
    this.#read = 0
    this.#voids = 0
  }
}
