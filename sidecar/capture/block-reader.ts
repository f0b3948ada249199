/** The frames of a block that the kernel has handed over. Source: include/uapi/linux/if_packet.h (TPACKET_V3). */
import type { Memory } from '../../wire/memory.ts'
import { emptyVirtio, gsoNone, readVirtio, virtioHeaderLength, virtioNeedsCsum } from '../../wire/virtio.ts'
import { vlanTagLength } from '../../wire/vlan.ts'
import type { Counters } from '../counters.ts'
import { restoreVlanTag } from '../frame/vlan.ts'
import {
  blockDescriptor,
  TP_STATUS_USER,
  TP_STATUS_VLAN_TPID_VALID,
  TP_STATUS_VLAN_VALID,
  tpacket3,
} from '../linux/abi.ts'
import type { Pipeline } from '../pipeline.ts'
import type { RingAccount } from './ring-account.ts'

const defaultTpid = 0x8100

export class BlockReader {
  readonly #memory: Memory
  readonly #pipeline: Pipeline
  readonly #account: RingAccount
  readonly #counters: Counters
  readonly #virtio = emptyVirtio()

  constructor(memory: Memory, pipeline: Pipeline, account: RingAccount, counters: Counters) {
    this.#memory = memory
    this.#pipeline = pipeline
    this.#account = account
    this.#counters = counters
  }

  /** Hands each frame of a block to the pipeline. */
  read(block: number, nowMs: number): void {
    const u32 = this.#memory.u32
    const count = u32[(block + blockDescriptor.packetCount) >> 2]!
    let at = block + u32[(block + blockDescriptor.firstPacket) >> 2]!
    this.#account.block(count)
    this.#pipeline.tick(nowMs)
    for (let left = count; left > 0; left--) {
      // Read before the frame's surroundings are written to.
      const next = at + u32[(at + tpacket3.nextOffset) >> 2]!
      this.#frame(at)
      at = next
    }
  }

  #frame(header: number): void {
    const { u16, u32 } = this.#memory
    const status = u32[(header + tpacket3.status) >> 2]!
    if ((status & TP_STATUS_USER) === 0) {
      this.#account.void()
      return
    }
    const length = u32[(header + tpacket3.snapLength) >> 2]!
    const cut = length < u32[(header + tpacket3.length) >> 2]!
    const virtio = this.#virtio
    let at = header + u16[(header + tpacket3.mac) >> 1]!
    readVirtio(this.#memory, at - virtioHeaderLength, virtio)
    if ((status & TP_STATUS_VLAN_VALID) === 0) {
      this.#pipeline.frame(at, length, virtio, cut)
      return
    }
    const tci = u32[(header + tpacket3.vlanTci) >> 2]! & 0xffff
    const tpid = (status & TP_STATUS_VLAN_TPID_VALID) !== 0 ? u16[(header + tpacket3.vlanTpid) >> 1]! : defaultTpid
    at = restoreVlanTag(this.#memory, at, tci, tpid)
    this.#counters.vlanTagsRestored++
    if ((virtio.flags & virtioNeedsCsum) !== 0) virtio.csumStart += vlanTagLength
    if (virtio.gsoType !== gsoNone) virtio.headerLength += vlanTagLength
    this.#pipeline.frame(at, length + vlanTagLength, virtio, cut)
  }
}
