/** The SCTP common header (RFC 9260 section 3.1): ports where TCP and UDP have them, and a CRC32c for a checksum. */
export const sctpField = {
  sourcePort: 0,
  destinationPort: 2,
  verificationTag: 4,
  checksum: 8,
} as const

export const protocolSctp = 132
export const sctpHeaderLength = 12
