/**
 * The Internet checksum (RFC 1071, updated by RFC 1624).
 *
 * Convention: every sum here is of 16-bit *little-endian lanes*. Byte 0 of what is summed is the low byte of the first
 * lane, byte 1 its high byte. RFC 1071 section 2 (B) proves that the one's complement sum does not care: summing
 * swapped lanes gives the swapped sum. So memory is read in the machine's order, and only three places swap: a number
 * that is added (`lane`), nothing that is summed, and the result, which `writeLane` stores low byte first.
 *
 * Within a stretch the sum is a double, exact below 2^53 (8 MiB of bytes 0xff). What leaves a function is folded to small
 * integers: V8 returns a large one as an object on the heap wherever it does not inline the call.
 */
import { longestStretch, type Memory } from './memory.ts'

/** Bytes from which on calling the memory's own way to sum takes less time than JavaScript's. */
const shortestStretch = 16

/**
 * Adds the bytes to `initial`. The result is a partial sum: add to it, pass it on, and fold it at the end.
 *
 * Lanes count from `at`, wherever that lies in memory. Sums chain through `initial` only while the stretches before
 * had an even length: an odd stretch is padded with a zero byte, as the checksum's end is (RFC 1071 section 1).
 *
 * Preconditions: the bytes are inside the memory.
 */
export function sumBytes(memory: Memory, at: number, length: number, initial = 0): number {
  if (length >= shortestStretch && length <= longestStretch) {
    const { sumStretch } = memory
    if (sumStretch !== undefined) return initial + sumStretch(at, length)
  }
  if (length < 4) return sumShort(memory.u8, at, length, initial)
  const end = at + length
  const odd = (at & 1) !== 0
  let first = 0
  if (odd) first = memory.u8[at++]!
  // Starting at `initial` instead would make V8 keep the sum as an object on the heap, from word to word.
  let sum = 0
  if ((at & 2) !== 0) {
    sum = memory.u16[at >>> 1]!
    at += 2
  }
  // 32-bit words as doubles take two thirds of the time of their halves as integers, half that of 16-bit words.
  const u32 = memory.u32
  const words = end >>> 2
  let word = at >>> 2
  for (; word + 8 <= words; word += 8) {
    sum +=
      u32[word]! +
      u32[word + 1]! +
      (u32[word + 2]! + u32[word + 3]!) +
      (u32[word + 4]! + u32[word + 5]! + (u32[word + 6]! + u32[word + 7]!))
  }
  for (; word < words; word++) sum += u32[word]!
  if ((end & 2) !== 0) sum += memory.u16[words * 2]!
  if ((end & 1) !== 0) sum += memory.u8[end - 1]!
  // From an odd address every lane of memory is a lane of the sum with its bytes swapped (RFC 1071 section 2 (B)).
  const folded = foldSum(sum)
  return initial + (odd ? first + lane(folded) : folded)
}

/** Any alignment, byte by byte. */
function sumShort(u8: Uint8Array, at: number, length: number, initial: number): number {
  let sum = initial
  const end = at + length
  for (; at + 2 <= end; at += 2) sum += u8[at]! | (u8[at + 1]! << 8)
  if (at < end) sum += u8[at]!
  return sum
}

/** A 16-bit number in network order as a lane of the sum (and back: it is its own inverse). */
export function lane(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff)
}

/** A 32-bit number in network order as an addend: the sum of its two lanes. */
export function lanes32(value: number): number {
  return lane(value >>> 16) + lane(value & 0xffff)
}

/** What takes a number back out of a sum: its one's complement negative, any sum folded first (RFC 1624 section 3). */
export function negative(sum: number): number {
  return ~foldSum(sum) & 0xffff
}

/** Folds a partial sum to 16 bits. Zero only when every byte summed was zero. */
export function foldSum(sum: number): number {
  // All but the sum of a long stretch in JavaScript: integers all the way, and half the time.
  if (sum <= 0x7fff_ffff) {
    const once = (sum & 0xffff) + (sum >>> 16)
    return (once & 0xffff) + (once >>> 16)
  }
  const low = sum >>> 0
  const high = Math.floor(sum / 0x1_0000_0000)
  let folded = (low & 0xffff) + (low >>> 16) + (high & 0xffff) + (high >>> 16)
  folded = (folded & 0xffff) + (folded >>> 16)
  return (folded & 0xffff) + (folded >>> 16)
}

/** The checksum of a complete sum, as a lane, for `writeLane`. */
export function finishChecksum(sum: number): number {
  return ~foldSum(sum) & 0xffff
}

/** The same for UDP, where 0 on the wire means that there is none (RFC 768): 0 becomes 0xffff, its equal. */
export function finishUdpChecksum(sum: number): number {
  const checksum = ~foldSum(sum) & 0xffff
  return checksum === 0 ? 0xffff : checksum
}

/** Stores a lane: a checksum, or a number in network order that `lane` has made one. */
export function writeLane(memory: Memory, at: number, value: number): void {
  memory.view.setUint16(at, value, true)
}

/** Reads a field as a lane, for instance to add or remove it from a sum. */
export function readLane(memory: Memory, at: number): number {
  return memory.view.getUint16(at, true)
}

/**
 * The sum of a TCP or UDP pseudo-header (RFC 9293 section 3.1, RFC 768, RFC 8200 section 8.1).
 *
 * @param source offset of the source address
 * @param destination offset of the (final) destination address
 * @param addressLength 4 or 16
 * @param l4Length bytes from the first of the TCP or UDP header to the last of the payload; may pass 65,535 (jumbograms)
 */
export function sumPseudoHeader(
  memory: Memory,
  source: number,
  destination: number,
  addressLength: number,
  protocol: number,
  l4Length: number,
): number {
  const addresses = sumBytes(memory, source, addressLength, sumBytes(memory, destination, addressLength))
  return addresses + lane(protocol) + lanes32(l4Length)
}
