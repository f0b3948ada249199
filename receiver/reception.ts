/**
 * What has been received so far: counters and flows. The packet path is `receive`; it allocates nothing.
 *
 * Every datagram is either sound or has one fault, and every sound one is exactly one of verified, fragment or
 * unverifiable: datagrams = faulty + verified + fragments + unverifiable.
 */
import { Memory } from '../wire/memory.ts'
import { faultCodes, noFault } from './faults.ts'
import { FlowTable } from './flow-table.ts'
import { check } from './strict.ts'
import { emptyVerdict } from './verdict.ts'

/** Zeek's UDP packet source reads into buffers of 9216 + 32 bytes and cuts what is longer (recvmmsg_buffer_size). */
export const oversizeDatagramBytes = 9216 + 32

/** The inner IP header of an untagged frame then stands at a multiple of 4, where summing is cheapest. */
const datagramAt = 2
/** The largest UDP payload, and room for reading the last word whole. */
const scratchBytes = 65536 + 64

export class Reception {
  /** Where the last datagram stands, for whoever writes its frame to a file. */
  readonly memory = new Memory(new ArrayBuffer(scratchBytes))
  readonly verdict = emptyVerdict()
  readonly flows: FlowTable
  datagrams = 0
  /** Bytes of datagrams, VXLAN headers included, outer headers not. */
  bytes = 0
  faulty = 0
  verified = 0
  fragments = 0
  unverifiable = 0
  /** Datagrams above `oversizeDatagramBytes`: a warning, not a fault. */
  oversize = 0
  /** By number of fault. */
  readonly faults = new Float64Array(faultCodes.length + 1)
  readonly #vni: number

  /** @param vni the expected VNI, or `anyVni`; @param flowCapacity a power of two */
  constructor(vni: number, flowCapacity: number) {
    this.#vni = vni
    this.flows = new FlowTable(flowCapacity)
  }

  /** Checks and counts one datagram. Returns its fault's number, or `noFault`; `verdict` says what it was. */
  receive(datagram: Uint8Array): number {
    this.memory.u8.set(datagram, datagramAt)
    const verdict = this.verdict
    const found = check(this.memory, datagramAt, datagram.length, this.#vni, verdict)
    this.datagrams++
    this.bytes += datagram.length
    if (datagram.length > oversizeDatagramBytes) this.oversize++
    if (found !== noFault) {
      this.faulty++
      this.faults[found]!++
    } else if (verdict.verified) this.verified++
    else if (verdict.parsed.fragment) this.fragments++
    else this.unverifiable++
    if (verdict.hasEthernet) this.flows.count(this.memory, verdict, found !== noFault)
    return found
  }
}
