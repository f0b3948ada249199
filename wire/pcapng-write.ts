/**
 * Writes pcapng: one little-endian section, one interface, enhanced packet blocks with optional comments.
 *
 * Format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/.
 */
import { type CapturedFrame, linkTypeEthernet, viewOf } from './capture-file.ts'

const blockSection = 0x0a0d0d0a
const blockInterface = 1
const blockEnhancedPacket = 6
const byteOrderMagic = 0x1a2b3c4d

const optionComment = 1
const optionInterfaceName = 2
const optionApplication = 4
const optionTimestampResolution = 9

/** Type and length before, length after. */
const blockOverhead = 12
/** Fields of an enhanced packet block before its data. */
const enhancedFields = 20

export interface PcapngInterface {
  linkType?: number
  /** if_name, as Wireshark shows it. */
  name?: string
  /** shb_userappl: the program that writes. */
  application?: string
}

export interface PcapngPacket extends CapturedFrame {
  comment?: string
}

/** The start of a file: a section with one interface whose timestamps are in nanoseconds. */
export function pcapngHeader(settings: PcapngInterface = {}): Uint8Array {
  const section = new Uint8Array(16)
  const sectionView = viewOf(section)
  sectionView.setUint32(0, byteOrderMagic, true)
  sectionView.setUint16(4, 1, true)
  // Section length: all ones, not known.
  sectionView.setBigInt64(8, -1n, true)
  const description = new Uint8Array(8)
  viewOf(description).setUint16(0, settings.linkType ?? linkTypeEthernet, true)
  return concatenate([
    block(blockSection, [section, ...textOption(optionApplication, settings.application), endOfOptions]),
    block(blockInterface, [
      description,
      ...textOption(optionInterfaceName, settings.name),
      option(optionTimestampResolution, Uint8Array.of(9)),
      endOfOptions,
    ]),
  ])
}

/** One frame for a file that starts with `pcapngHeader`. A comment is cut at 65,535 bytes, the format's limit. */
export function pcapngPacket(packet: PcapngPacket): Uint8Array {
  const head = new Uint8Array(enhancedFields)
  const view = viewOf(head)
  view.setUint32(4, Number(packet.timestampNs >> 32n), true)
  view.setUint32(8, Number(packet.timestampNs & 0xffff_ffffn), true)
  view.setUint32(12, packet.data.length, true)
  view.setUint32(16, packet.originalLength, true)
  const comment = textOption(optionComment, packet.comment)
  const options = comment.length === 0 ? [] : [...comment, endOfOptions]
  const padding = new Uint8Array(padded(packet.data.length) - packet.data.length)
  return block(blockEnhancedPacket, [head, packet.data, padding, ...options])
}

const endOfOptions = new Uint8Array(4)
const encoder = new TextEncoder()

/** Options and data are padded to 32 bits. */
function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}

function textOption(code: number, value: string | undefined): Uint8Array[] {
  return value === undefined ? [] : [option(code, encoder.encode(value).subarray(0, 0xffff))]
}

function option(code: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + padded(value.length))
  viewOf(bytes).setUint16(0, code, true)
  viewOf(bytes).setUint16(2, value.length, true)
  bytes.set(value, 4)
  return bytes
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = concatenate(parts)
  const bytes = new Uint8Array(blockOverhead + body.length)
  const view = viewOf(bytes)
  view.setUint32(0, type, true)
  view.setUint32(4, bytes.length, true)
  bytes.set(body, 8)
  view.setUint32(bytes.length - 4, bytes.length, true)
  return bytes
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
