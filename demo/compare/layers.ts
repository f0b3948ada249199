/**
 * Where the headers of a frame are, read for the comparison.
 *
 * The comparison is a judge of the sidecar, so it shares no packet code with it: everything in this folder is written
 * anew, slowly and plainly, on its own.
 */

export const tcpProtocol = 6
export const udpProtocol = 17

export interface Layers {
  /** 4 or 6. */
  readonly version: 4 | 6
  /** Offset of the IP header. */
  readonly ip: number
  readonly protocol: number
  /** Offset of the transport header; for a later fragment, of its payload. */
  readonly transport: number
  /** Offset behind the IP datagram, without Ethernet padding. */
  readonly end: number
  readonly fragment: boolean
  readonly source: string
  readonly destination: string
}

const hopByHop = 0
const routing = 43
const fragmentHeader = 44
const destinationOptions = 60

export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!
}

export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 65536 + u16(bytes, at + 2)
}

/** Undefined where the frame is not whole, well-formed IP. */
export function layersOf(frame: Uint8Array): Layers | undefined {
  let at = 12
  while (at + 4 <= frame.length && (u16(frame, at) === 0x8100 || u16(frame, at) === 0x88a8)) at += 4
  if (at + 2 > frame.length) return undefined
  const etherType = u16(frame, at)
  if (etherType === 0x0800) return ipv4(frame, at + 2)
  return etherType === 0x86dd ? ipv6(frame, at + 2) : undefined
}

function ipv4(frame: Uint8Array, ip: number): Layers | undefined {
  if (ip + 20 > frame.length || frame[ip]! >> 4 !== 4) return undefined
  const headerLength = (frame[ip]! & 15) * 4
  const end = ip + u16(frame, ip + 2)
  if (headerLength < 20 || end > frame.length || ip + headerLength > end) return undefined
  return {
    version: 4,
    ip,
    protocol: frame[ip + 9]!,
    transport: ip + headerLength,
    end,
    fragment: (u16(frame, ip + 6) & 0x3fff) !== 0,
    source: Buffer.from(frame.subarray(ip + 12, ip + 16)).toString('hex'),
    destination: Buffer.from(frame.subarray(ip + 16, ip + 20)).toString('hex'),
  }
}

function ipv6(frame: Uint8Array, ip: number): Layers | undefined {
  if (ip + 40 > frame.length || frame[ip]! >> 4 !== 6) return undefined
  const end = ip + 40 + u16(frame, ip + 4)
  if (end > frame.length) return undefined
  let protocol = frame[ip + 6]!
  let at = ip + 40
  let fragment = false
  while ([hopByHop, routing, fragmentHeader, destinationOptions].includes(protocol) && at + 8 <= end) {
    fragment ||= protocol === fragmentHeader
    const length = protocol === fragmentHeader ? 8 : 8 + frame[at + 1]! * 8
    protocol = frame[at]!
    at += length
  }
  if (at > end) return undefined
  return {
    version: 6,
    ip,
    protocol,
    transport: at,
    end,
    fragment,
    source: Buffer.from(frame.subarray(ip + 8, ip + 24)).toString('hex'),
    destination: Buffer.from(frame.subarray(ip + 24, ip + 40)).toString('hex'),
  }
}

/** The ones' complement sum of RFC 1071, folded to 16 bits and not complemented. */
export function onesSum(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let sum = start
  for (let at = from; at < to; at += 2) sum += bytes[at]! * 256 + (at + 1 < to ? bytes[at + 1]! : 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536)
  return sum
}

/** The pseudo-header's sum (RFC 9293 section 3.1, RFC 8200 section 8.1). */
export function pseudoHeaderSum(frame: Uint8Array, layers: Layers): number {
  const [from, to] = layers.version === 4 ? [layers.ip + 12, layers.ip + 20] : [layers.ip + 8, layers.ip + 40]
  return onesSum(frame, from, to, layers.protocol + (layers.end - layers.transport))
}

/** A text that every frame of one direction of a flow has in common: link, network and transport addresses. */
export function flowOf(frame: Uint8Array, layers: Layers | undefined): string {
  const link = Buffer.from(frame.subarray(0, Math.min(12, frame.length))).toString('hex')
  if (layers === undefined) return `${link} ${Buffer.from(frame.subarray(12, 14)).toString('hex')}`
  const hasPorts = (layers.protocol === tcpProtocol || layers.protocol === udpProtocol) && !layers.fragment
  const ports = hasPorts ? Buffer.from(frame.subarray(layers.transport, layers.transport + 4)).toString('hex') : ''
  return [link, layers.source, layers.destination, layers.protocol, ports].join(' ')
}
