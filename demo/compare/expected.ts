/**
 * What a sensor must get for a frame that was seen between the pod and its bridge.
 *
 * Between two ends of a veth pair a frame is not yet what a wire would carry: the kernel leaves checksums unfinished and
 * TCP data uncut (Documentation/networking/{checksum,segmentation}-offloads.rst). What a network card would have made
 * of it is worked out here, byte for byte, and independently of the sidecar.
 */
import { type Layers, layersOf, onesSum, pseudoHeaderSum, tcpProtocol, u16, u32, udpProtocol } from './layers.ts'

const fin = 0x01
const psh = 0x08
const cwr = 0x80

function checksumField(layers: Layers): number | undefined {
  if (layers.fragment) return undefined
  if (layers.protocol === tcpProtocol && layers.end - layers.transport >= 20) return layers.transport + 16
  return layers.protocol === udpProtocol && layers.end - layers.transport >= 8 ? layers.transport + 6 : undefined
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}

function writeTransportChecksum(frame: Uint8Array, layers: Layers, field: number): void {
  writeU16(frame, field, 0)
  const sum = onesSum(frame, layers.transport, layers.end, pseudoHeaderSum(frame, layers))
  const checksum = ~sum & 0xffff
  // RFC 768: a sum that comes out as 0 is sent as all ones.
  writeU16(frame, field, checksum === 0 && layers.protocol === udpProtocol ? 0xffff : checksum)
}

/**
 * The frame with its checksum finished where the kernel had left it unfinished, which shows: the field then holds just
 * the sum of the pseudo-header. A checksum that is wrong in any other way was sent so, and stays.
 */
export function withChecksum(frame: Uint8Array, layers: Layers | undefined): Uint8Array {
  const field = layers === undefined ? undefined : checksumField(layers)
  if (layers === undefined || field === undefined) return frame
  if (u16(frame, field) !== pseudoHeaderSum(frame, layers)) return frame
  const finished = Uint8Array.from(frame)
  writeTransportChecksum(finished, layers, field)
  return finished
}

/** Bytes of TCP payload, or 0 for everything that is not TCP. */
export function tcpPayloadLength(frame: Uint8Array, layers: Layers | undefined): number {
  if (layers === undefined || layers.protocol !== tcpProtocol || layers.fragment) return 0
  return Math.max(0, layers.end - layers.transport - (frame[layers.transport + 12]! >> 4) * 4)
}

export function tcpSequence(frame: Uint8Array, layers: Layers): number {
  return u32(frame, layers.transport + 4)
}

/**
 * The segments that a TCP super-frame stands for, each with at most `size` bytes of payload: headers copied, IP length,
 * id and checksum, sequence number and TCP checksum made anew; FIN and PSH on the last only, CWR on the first only.
 */
export function segmentsOf(frame: Uint8Array, layers: Layers, size: number): Uint8Array[] {
  const payload = tcpPayloadLength(frame, layers)
  const headers = layers.end - payload
  const segments: Uint8Array[] = []
  for (let offset = 0; offset < payload; offset += size) {
    const length = Math.min(size, payload - offset)
    const segment = new Uint8Array(headers + length)
    segment.set(frame.subarray(0, headers))
    segment.set(frame.subarray(headers + offset, headers + offset + length), headers)
    writeIpHeader(segment, layers, offset / size)
    const flags = layers.transport + 13
    if (offset + length < payload) segment[flags]! &= ~(fin | psh)
    if (offset > 0) segment[flags]! &= ~cwr
    const sequence = tcpSequence(frame, layers) + offset
    writeU16(segment, layers.transport + 4, Math.floor(sequence / 65536) & 0xffff)
    writeU16(segment, layers.transport + 6, sequence & 0xffff)
    writeTransportChecksum(segment, layersOf(segment)!, layers.transport + 16)
    segments.push(segment)
  }
  return segments
}

function writeIpHeader(segment: Uint8Array, layers: Layers, index: number): void {
  const { ip, transport } = layers
  if (layers.version === 6) {
    writeU16(segment, ip + 4, segment.length - ip - 40)
    return
  }
  writeU16(segment, ip + 2, segment.length - ip)
  writeU16(segment, ip + 4, (u16(segment, ip + 4) + index) & 0xffff)
  writeU16(segment, ip + 10, 0)
  writeU16(segment, ip + 10, ~onesSum(segment, ip, transport) & 0xffff)
}
