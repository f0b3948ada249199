/**
 * The Ethernet II header (IEEE 802.3 clause 3; numbers: https://www.iana.org/assignments/ieee-802-numbers).
 *
 *  0      6      12       14
 *  | dst  | src  | type   | ...
 *
 * Functions take the offset of the frame's first byte and rely on the caller having checked the length.
 */
import { type Memory, readU16be } from './memory.ts'

export const ethernetField = {
  destination: 0,
  source: 6,
  etherType: 12,
} as const

export const ethernetAddressLength = 6
export const ethernetHeaderLength = 14

/** Values below are a length (IEEE 802.3 clause 3.2.6), not a type. */
export const minEtherType = 0x0600

export const etherTypeIpv4 = 0x0800
export const etherTypeArp = 0x0806
export const etherTypeIpv6 = 0x86dd

export function etherTypeAt(memory: Memory, at: number): number {
  return readU16be(memory.u8, at + ethernetField.etherType)
}
