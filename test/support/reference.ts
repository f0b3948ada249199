/**
 * Slow, plain oracles: arrays and BigInt, from the RFCs, without a look at wire/ or sidecar/, which they never import.
 */

/** RFC 1071: the 16-bit big-endian words added, the carries added back, the complement taken. */
export function referenceChecksum(bytes: ArrayLike<number>): number {
  let sum = 0n
  for (let i = 0; i < bytes.length; i += 2) sum += BigInt(bytes[i]!) * 256n + BigInt(bytes[i + 1] ?? 0)
  while (sum > 0xffffn) sum = (sum >> 16n) + (sum & 0xffffn)
  return Number(~sum & 0xffffn)
}

/** RFC 9260 appendix A, bit by bit. */
export function referenceCrc32c(bytes: ArrayLike<number>): number {
  let crc = 0xffffffffn
  for (let i = 0; i < bytes.length; i++) {
    crc ^= BigInt(bytes[i]!)
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n
  }
  return Number(crc ^ 0xffffffffn)
}

export function be16(value: number): number[] {
  return [Math.floor(value / 256) % 256, value % 256]
}

export function be32(value: number): number[] {
  return [...be16(Math.floor(value / 65536) % 65536), ...be16(value % 65536)]
}

export interface PseudoHeader {
  version: 4 | 6
  source: readonly number[]
  /** The final one, under a routing header. */
  destination: readonly number[]
  protocol: number
}

/**
 * IPv4's length has 16 bits; above 64 KiB Linux adds all 32 (csum_tcpudp_nofold). Upper bits of 0 do not change a sum.
 */
export function pseudoHeaderBytes(pseudo: PseudoHeader, l4Length: number): number[] {
  const { source, destination, protocol } = pseudo
  return pseudo.version === 4
    ? [...source, ...destination, 0, protocol, ...be32(l4Length)]
    : [...source, ...destination, ...be32(l4Length), 0, 0, 0, protocol]
}

/** What a super-frame is, from whoever built it. Offsets are from the frame's first byte. */
export interface SuperFrame {
  bytes: readonly number[]
  l3: number
  l4: number
  /** From the first byte of Ethernet to the last of TCP or UDP. */
  headerLength: number
  pseudo: PseudoHeader
  payload: readonly number[]
  /** Offset of the 8 bytes that segments do not have, or -1. */
  jumbo: number
  /** A UDP sender that makes no checksum. */
  withoutChecksum: boolean
}

/** Every segment, whole, as the wire carries it. */
export function referenceSegments(frame: SuperFrame, segmentSize: number): number[][] {
  const chunks: number[][] = []
  for (let start = 0; start < frame.payload.length; start += segmentSize) {
    chunks.push(frame.payload.slice(start, start + segmentSize))
  }
  if (chunks.length === 0) chunks.push([])
  return chunks.map((chunk, index) => referenceSegment(frame, segmentSize, chunk, index, chunks.length))
}

function referenceSegment(frame: SuperFrame, size: number, chunk: number[], index: number, count: number): number[] {
  const { l3, l4, jumbo, pseudo } = frame
  const head = frame.bytes.slice(0, l3)
  const ip = frame.bytes.slice(l3, l4)
  const transport = frame.bytes.slice(l4, frame.headerLength)
  if (jumbo !== -1) {
    ip[6] = frame.bytes[jumbo]!
    ip.splice(jumbo - l3, 8)
  }
  const l4Length = transport.length + chunk.length
  if (pseudo.version === 4) {
    ip.splice(2, 2, ...be16(ip.length + l4Length))
    ip.splice(4, 2, ...be16((ip[4]! * 256 + ip[5]! + index) % 65536))
    ip.splice(10, 2, 0, 0)
    ip.splice(10, 2, ...be16(referenceChecksum(ip)))
  } else {
    ip.splice(4, 2, ...be16(ip.length - 40 + l4Length))
  }
  const field = pseudo.protocol === 6 ? 16 : 6
  if (pseudo.protocol === 6) {
    const sequence = transport.slice(4, 8).reduce((value, byte) => value * 256 + byte, 0)
    transport.splice(4, 4, ...be32((sequence + index * size) % 2 ** 32))
    let flags = transport[13]!
    if (index > 0) flags &= 0x7f
    if (index < count - 1) flags &= 0xf6
    transport[13] = flags
  } else {
    transport.splice(4, 2, ...be16(l4Length))
  }
  transport.splice(field, 2, 0, 0)
  let checksum = referenceChecksum([...pseudoHeaderBytes(pseudo, l4Length), ...transport, ...chunk])
  if (pseudo.protocol === 17 && checksum === 0) checksum = 0xffff
  if (!frame.withoutChecksum) transport.splice(field, 2, ...be16(checksum))
  return [...head, ...ip, ...transport, ...chunk]
}
