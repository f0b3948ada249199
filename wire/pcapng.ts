/**
 * Reads pcapng: blocks of (type, length, body, length again), in sections that each choose their byte order.
 *
 * Format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/ (section numbers below are of draft 03).
 */
import {
  brokenCapture,
  type CapturedFrame,
  type CaptureFile,
  linkTypeEthernet,
  nsPerSecond,
  viewOf,
} from './capture-file.ts'

/** Reads the same in both byte orders. */
const blockSection = 0x0a0d0d0a
const blockInterface = 1
const blockSimplePacket = 3
const blockEnhancedPacket = 6
const byteOrderMagic = 0x1a2b3c4d

const optionEnd = 0
const optionTimestampResolution = 9
const optionTimestampOffset = 14

/** Type and length before, length after. */
const blockOverhead = 12
/** Fields of an enhanced packet block before its data. */
const enhancedFields = 20

interface Interface {
  linkType: number
  snapLength: number
  unitsPerSecond: bigint
  offsetSeconds: bigint
}

export function isPcapng(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === blockSection
}

/** @throws Error telling the offset and the defect */
export function readPcapng(bytes: Uint8Array): CaptureFile {
  const view = viewOf(bytes)
  const frames: CapturedFrame[] = []
  let linkType = -1
  let little = true
  let interfaces: Interface[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + blockOverhead > bytes.length) throw brokenCapture(at, 'the file ends inside a block')
    const type = view.getUint32(at, little)
    if (type === blockSection) {
      little = sectionOrder(view, at)
      interfaces = []
    }
    const length = blockLength(view, at, little)
    const body = at + 8
    const end = at + length - 4
    if (type === blockInterface) interfaces.push(readInterface(view, body, end, little))
    if (type === blockEnhancedPacket || type === blockSimplePacket) {
      const enhanced = type === blockEnhancedPacket
      if (end - body < (enhanced ? enhancedFields : 4)) throw brokenCapture(at, 'a packet block without its fields')
      const from = interfaces[enhanced ? view.getUint32(body, little) : 0]
      if (from === undefined) throw brokenCapture(at, 'a packet of an interface that is not described before it')
      if (linkType !== -1 && linkType !== from.linkType) {
        throw brokenCapture(at, `frames of link type ${from.linkType} after frames of link type ${linkType}`)
      }
      linkType = from.linkType
      frames.push(enhanced ? readEnhanced(bytes, body, end, little, from) : readSimple(bytes, body, end, little, from))
    }
    at += length
  }
  if (linkType === -1) linkType = interfaces[0]?.linkType ?? linkTypeEthernet
  return { linkType, frames }
}

function sectionOrder(view: DataView, at: number): boolean {
  const magic = view.getUint32(at + 8, true)
  if (magic === byteOrderMagic) return true
  if (view.getUint32(at + 8, false) === byteOrderMagic) return false
  throw brokenCapture(at, `a section with byte-order magic 0x${magic.toString(16).padStart(8, '0')}`)
}

function blockLength(view: DataView, at: number, little: boolean): number {
  const length = view.getUint32(at + 4, little)
  if (length < blockOverhead || length % 4 !== 0) throw brokenCapture(at, `a block of length ${length}`)
  if (length > view.byteLength - at) {
    throw brokenCapture(at, `a block of ${length} bytes of which the file has ${view.byteLength - at}`)
  }
  const again = view.getUint32(at + length - 4, little)
  if (again !== length) throw brokenCapture(at, `a block of length ${length} that ends with length ${again}`)
  return length
}

function readInterface(view: DataView, body: number, end: number, little: boolean): Interface {
  if (end - body < 8) throw brokenCapture(body, 'an interface block without its fields')
  const result: Interface = {
    linkType: view.getUint16(body, little),
    snapLength: view.getUint32(body + 4, little),
    unitsPerSecond: 1_000_000n,
    offsetSeconds: 0n,
  }
  for (let at = body + 8; at + 4 <= end; ) {
    const code = view.getUint16(at, little)
    const length = view.getUint16(at + 2, little)
    if (code === optionEnd) break
    if (at + 4 + length > end) throw brokenCapture(at, 'an option that goes past its block')
    if (code === optionTimestampResolution && length >= 1) {
      const exponent = view.getUint8(at + 4)
      result.unitsPerSecond = (exponent & 0x80) === 0 ? 10n ** BigInt(exponent) : 2n ** BigInt(exponent & 0x7f)
    }
    if (code === optionTimestampOffset && length >= 8) result.offsetSeconds = view.getBigInt64(at + 4, little)
    at += 4 + padded(length)
  }
  return result
}

function readEnhanced(bytes: Uint8Array, body: number, end: number, little: boolean, from: Interface): CapturedFrame {
  const view = viewOf(bytes)
  const captured = view.getUint32(body + 12, little)
  const dataAt = body + enhancedFields
  if (captured > end - dataAt) throw brokenCapture(body, `a packet of ${captured} bytes that goes past its block`)
  const units = (BigInt(view.getUint32(body + 4, little)) << 32n) | BigInt(view.getUint32(body + 8, little))
  return {
    data: bytes.subarray(dataAt, dataAt + captured),
    originalLength: view.getUint32(body + 16, little),
    timestampNs: from.offsetSeconds * nsPerSecond + (units * nsPerSecond) / from.unitsPerSecond,
  }
}

/** Section 4.4: the captured length is not given, it is the smaller of original and snap length. */
function readSimple(bytes: Uint8Array, body: number, end: number, little: boolean, from: Interface): CapturedFrame {
  const originalLength = viewOf(bytes).getUint32(body, little)
  const captured = from.snapLength === 0 ? originalLength : Math.min(originalLength, from.snapLength)
  const dataAt = body + 4
  if (captured > end - dataAt) throw brokenCapture(body, `a packet of ${captured} bytes that goes past its block`)
  return { data: bytes.subarray(dataAt, dataAt + captured), originalLength, timestampNs: 0n }
}

/** Options and data are padded to 32 bits. */
function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}
