/**
 * Walking a TPACKET_V3 ring: knows memory, not system calls.
 *
 * The kernel fills blocks in order and hands each over by setting TP_STATUS_USER in its descriptor; we hand it back
 * with TP_STATUS_KERNEL. Between the two the block's bytes are ours, to read and to change.
 * Source: Documentation/networking/packet_mmap.rst, "TPACKET_V3".
 */
import type { Memory } from '../../wire/memory.ts'
import { blockDescriptor, TP_STATUS_KERNEL, TP_STATUS_USER } from '../linux/abi.ts'

export class Ring {
  readonly #status: Uint32Array<ArrayBuffer>
  readonly #blockSize: number
  readonly #blockCount: number
  #next = 0

  constructor(memory: Memory, blockSize: number, blockCount: number) {
    this.#status = memory.u32
    this.#blockSize = blockSize
    this.#blockCount = blockCount
  }

  /**
   * Offset of the next block that the kernel has handed over, or -1. Asking does not take it.
   *
   * The status is read and written atomically for the order that this brings: arm64 may otherwise read a block's bytes
   * before its status, or let the kernel have the block before we are done with it. It pairs with the smp_wmb() and
   * smp_rmb() around block_status in net/packet/af_packet.c.
   */
  peek(): number {
    const block = this.#next * this.#blockSize
    const status = Atomics.load(this.#status, (block + blockDescriptor.status) >> 2)
    return (status & TP_STATUS_USER) === 0 ? -1 : block
  }

  /** Gives the block that `peek` returned back to the kernel. No byte of it may be used afterwards. */
  release(): void {
    const block = this.#next * this.#blockSize
    Atomics.store(this.#status, (block + blockDescriptor.status) >> 2, TP_STATUS_KERNEL)
    this.#next = this.#next + 1 === this.#blockCount ? 0 : this.#next + 1
  }
}
