/**
 * The TCP header (RFC 9293 section 3.1; CWR and ECE: RFC 3168 section 6.1).
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  |          Source Port          |       Destination Port        |
 *  |                        Sequence Number                        |
 *  |                    Acknowledgment Number                      |
 *  | Offset| Rsrvd |C|E|U|A|P|R|S|F|             Window            |
 *  |           Checksum            |         Urgent Pointer        |
 */
import type { Memory } from './memory.ts'

export const tcpField = {
  sourcePort: 0,
  destinationPort: 2,
  sequence: 4,
  acknowledgment: 8,
  dataOffset: 12,
  flags: 13,
  window: 14,
  checksum: 16,
  urgent: 18,
} as const

export const protocolTcp = 6
export const tcpMinHeaderLength = 20

export const tcpFin = 0x01
export const tcpSyn = 0x02
export const tcpRst = 0x04
export const tcpPsh = 0x08
export const tcpAck = 0x10
export const tcpUrg = 0x20
export const tcpEce = 0x40
export const tcpCwr = 0x80

/** Bytes, options included: 0 to 60; below 20 is malformed. Preconditions: 20 bytes are there at `at`. */
export function tcpHeaderLength(memory: Memory, at: number): number {
  return (memory.u8[at + tcpField.dataOffset]! >>> 4) << 2
}
