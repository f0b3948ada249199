/**
 * The VXLAN header (RFC 7348 section 5).
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  |R|R|R|R|I|R|R|R|            Reserved                           |
 *  |                VXLAN Network Identifier (VNI) |   Reserved    |
 */
import { type Memory, readU32be } from './memory.ts'

const field = {
  flagsAndReserved: 0,
  vniAndReserved: 4,
} as const

export const vxlanHeaderLength = 8
/** The I flag: the VNI is valid. Every other bit of the byte is reserved. */
export const vxlanFlagVni = 0x08
export const maxVni = 0xff_ffff

/** A decoded header; the record is reused. */
export interface VxlanHeader {
  /** The first byte: 0x08 and nothing else in a header that RFC 7348 allows. */
  flags: number
  /** The 24 reserved bits after the flags. */
  reserved: number
  vni: number
  /** The 8 reserved bits after the VNI. */
  reservedAfterVni: number
}

export function emptyVxlan(): VxlanHeader {
  return { flags: 0, reserved: 0, vni: 0, reservedAfterVni: 0 }
}

/**
 * Writes all 8 bytes: 08 00 00 00, VNI, 00. "Reserved fields ... MUST be set to zero on transmission."
 *
 * Preconditions: 8 bytes are there; `vni` is an integer of 0 to `maxVni`.
 */
export function writeVxlanHeader(memory: Memory, at: number, vni: number): void {
  memory.view.setInt32(at + field.flagsAndReserved, vxlanFlagVni << 24)
  memory.view.setInt32(at + field.vniAndReserved, vni << 8)
}

/** Reads a header of a datagram's payload of `length` bytes. @returns false when it is too short; `into` is then all zero */
export function parseVxlan(memory: Memory, at: number, length: number, into: VxlanHeader): boolean {
  const whole = length >= vxlanHeaderLength
  const first = whole ? readU32be(memory.u8, at + field.flagsAndReserved) : 0
  const second = whole ? readU32be(memory.u8, at + field.vniAndReserved) : 0
  into.flags = first >>> 24
  into.reserved = first & 0xff_ffff
  into.vni = second >>> 8
  into.reservedAfterVni = second & 0xff
  return whole
}
