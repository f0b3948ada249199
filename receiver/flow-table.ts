/**
 * Counts frames, bytes and faults by flow: VNI, protocol and the two ends, both directions together. Bounded: when it is
 * full, the flow that has been silent longest makes room, and is counted. Nothing is allocated after the constructor.
 *
 * A hash table with chains (`heads`, `next`) over numbered places, threaded by a list from the least to the most
 * recently seen. A key is eleven 32-bit words, the lower end first so that both directions meet in one place.
 */
import { randomFillSync } from 'node:crypto'
import type { Memory } from '../wire/memory.ts'
import type { Verdict } from './verdict.ts'
import { addressLength, destinationAt, sourceAt } from './verdict.ts'

const keyWords = 11
/** Word places in a key. */
const word = { vni: 0, protocol: 1, ports: 2, low: 3, high: 7 } as const
const nowhere = -1

/** A flow as the table shows it; `a` is the end that was heard first. */
export interface Flow {
  vni: number
  /** 4, 6, or 0 where the frame is not IP and the ends are MAC addresses. */
  ipVersion: number
  /** IP protocol number, or the EtherType where it is not IP. */
  protocol: number
  a: Uint8Array
  aPort: number
  b: Uint8Array
  bPort: number
  /** Frames from a to b, and from b to a. */
  framesAb: number
  framesBa: number
  bytes: number
  faults: number
}

export class FlowTable {
  readonly capacity: number
  /** Flows in the table now. */
  size = 0
  /** Flows that had to make room. */
  evicted = 0

  readonly #heads: Int32Array
  readonly #next: Int32Array
  readonly #older: Int32Array
  readonly #newer: Int32Array
  readonly #keys: Uint32Array
  /** Whether the flow's first frame went from the higher to the lower end. */
  readonly #reversed: Uint8Array
  readonly #framesUp: Float64Array
  readonly #framesDown: Float64Array
  readonly #bytes: Float64Array
  readonly #faults: Float64Array
  readonly #scratch = new Uint32Array(keyWords)
  readonly #scratchBytes = new Uint8Array(this.#scratch.buffer)
  /** Odd, and nobody's to know: whoever chooses the packets could else choose them to meet in one bucket. */
  readonly #secret = randomFillSync(new Uint32Array(keyWords + 1)).map((value) => value | 1)
  #oldest = nowhere
  #newest = nowhere

  /** @param capacity how many flows are kept; a power of two */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#heads = new Int32Array(capacity).fill(nowhere)
    this.#next = new Int32Array(capacity)
    this.#older = new Int32Array(capacity)
    this.#newer = new Int32Array(capacity)
    this.#keys = new Uint32Array(capacity * keyWords)
    this.#reversed = new Uint8Array(capacity)
    this.#framesUp = new Float64Array(capacity)
    this.#framesDown = new Float64Array(capacity)
    this.#bytes = new Float64Array(capacity)
    this.#faults = new Float64Array(capacity)
  }

  /** Counts one frame. Preconditions: `verdict.hasEthernet`; its places lie in `memory`. */
  count(memory: Memory, verdict: Verdict, faulty: boolean): void {
    const reversed = this.#makeKey(memory.u8, verdict)
    const bucket = this.#bucket(this.#scratch, 0)
    let place = this.#find(bucket)
    if (place === nowhere) place = this.#add(bucket, reversed)
    else this.#unlink(place)
    this.#linkNewest(place)
    if (reversed) this.#framesDown[place]!++
    else this.#framesUp[place]!++
    this.#bytes[place]! += verdict.frameLength
    if (faulty) this.#faults[place]!++
  }

  /** The `limit` flows with most bytes, most first. Allocates: for displays, not for the packet path. */
  top(limit: number): Flow[] {
    const places = Array.from({ length: this.size }, (_, place) => place)
    places.sort((x, y) => this.#bytes[y]! - this.#bytes[x]! || x - y)
    return places.slice(0, limit).map((place) => this.#flow(place))
  }

  #flow(place: number): Flow {
    const at = place * keyWords
    const keys = this.#keys
    const protocol = keys[at + word.protocol]!
    const ipVersion = protocol >>> 16
    const length = addressLength(ipVersion)
    const low = new Uint8Array(keys.buffer, (at + word.low) * 4, length).slice()
    const high = new Uint8Array(keys.buffer, (at + word.high) * 4, length).slice()
    const lowPort = keys[at + word.ports]! >>> 16
    const highPort = keys[at + word.ports]! & 0xffff
    const reversed = this.#reversed[place] === 1
    return {
      vni: keys[at + word.vni]!,
      ipVersion,
      protocol: protocol & 0xffff,
      a: reversed ? high : low,
      aPort: reversed ? highPort : lowPort,
      b: reversed ? low : high,
      bPort: reversed ? lowPort : highPort,
      framesAb: reversed ? this.#framesDown[place]! : this.#framesUp[place]!,
      framesBa: reversed ? this.#framesUp[place]! : this.#framesDown[place]!,
      bytes: this.#bytes[place]!,
      faults: this.#faults[place]!,
    }
  }

  /** Fills the scratch key. Returns whether the frame goes from the higher end to the lower. */
  #makeKey(u8: Uint8Array, verdict: Verdict): boolean {
    const key = this.#scratch
    key.fill(0)
    const { ipVersion, protocol, etherType } = verdict.parsed
    const source = sourceAt(verdict)
    const destination = destinationAt(verdict)
    const length = addressLength(ipVersion)
    let order = 0
    for (let i = 0; i < length && order === 0; i++) order = u8[source + i]! - u8[destination + i]!
    if (order === 0) order = verdict.sourcePort - verdict.destinationPort
    const reversed = order > 0
    const low = reversed ? destination : source
    const high = reversed ? source : destination
    for (let i = 0; i < length; i++) {
      this.#scratchBytes[word.low * 4 + i] = u8[low + i]!
      this.#scratchBytes[word.high * 4 + i] = u8[high + i]!
    }
    key[word.vni] = verdict.vxlan.vni
    key[word.protocol] = ipVersion !== 0 ? (ipVersion << 16) | protocol : etherType
    key[word.ports] = reversed
      ? (verdict.destinationPort << 16) | verdict.sourcePort
      : (verdict.sourcePort << 16) | verdict.destinationPort
    return reversed
  }

  /** FNV-1a over words, with a final mix so that the low bits depend on all. */
  #bucket(words: Uint32Array, at: number): number {
    let hash = this.#secret[keyWords]!
    for (let i = 0; i < keyWords; i++) {
      hash = Math.imul(hash ^ words[at + i]!, this.#secret[i]!)
      // A product's lower half knows nothing of the upper: without this, bits could cancel whatever the secret.
      hash ^= hash >>> 16
    }
    hash = Math.imul(hash, 0x85ebca6b)
    return (hash ^ (hash >>> 13)) & (this.capacity - 1)
  }

  #find(bucket: number): number {
    let place = this.#heads[bucket]!
    while (place !== nowhere && !this.#holdsScratch(place)) place = this.#next[place]!
    return place
  }

  #holdsScratch(place: number): boolean {
    const at = place * keyWords
    for (let i = 0; i < keyWords; i++) if (this.#keys[at + i] !== this.#scratch[i]) return false
    return true
  }

  #add(bucket: number, reversed: boolean): number {
    const place = this.size < this.capacity ? this.size++ : this.#evict()
    this.#keys.set(this.#scratch, place * keyWords)
    this.#reversed[place] = reversed ? 1 : 0
    this.#framesUp[place] = 0
    this.#framesDown[place] = 0
    this.#bytes[place] = 0
    this.#faults[place] = 0
    this.#next[place] = this.#heads[bucket]!
    this.#heads[bucket] = place
    return place
  }

  /** Takes the longest silent flow out of its chain and the list; returns its place. The scratch key survives. */
  #evict(): number {
    const place = this.#oldest
    this.evicted++
    this.#unlink(place)
    const bucket = this.#bucket(this.#keys, place * keyWords)
    if (this.#heads[bucket] === place) this.#heads[bucket] = this.#next[place]!
    else {
      let before = this.#heads[bucket]!
      while (this.#next[before] !== place) before = this.#next[before]!
      this.#next[before] = this.#next[place]!
    }
    return place
  }

  #unlink(place: number): void {
    const older = this.#older[place]!
    const newer = this.#newer[place]!
    if (older === nowhere) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === nowhere) this.#newest = older
    else this.#older[newer] = older
  }

  #linkNewest(place: number): void {
    this.#older[place] = this.#newest
    this.#newer[place] = nowhere
    if (this.#newest === nowhere) this.#oldest = place
    else this.#newer[this.#newest] = place
    this.#newest = place
  }
}
