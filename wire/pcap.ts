/**
 * Reads capture files (pcap and pcapng) and writes pcap; `pcapng.ts` and `pcapng-write.ts` have the rest. Bytes in, records out, no I/O.
 *
 * Format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/. A header of 24 bytes (magic, version 2.4, two unused
 * words, snap length, link type), then for each frame 16 bytes (seconds, fraction, captured length, original length) and
 * the frame. All in the byte order that the magic shows; the magic also tells the fraction's unit.
 */
import {
  brokenCapture,
  type CapturedFrame,
  type CaptureFile,
  linkTypeEthernet,
  nsPerSecond,
  viewOf,
} from './capture-file.ts'
import { isPcapng, readPcapng } from './pcapng.ts'

export type { CapturedFrame, CaptureFile } from './capture-file.ts'
export { linkTypeEthernet } from './capture-file.ts'
export { type PcapngInterface, type PcapngPacket, pcapngHeader, pcapngPacket } from './pcapng-write.ts'

const magicMicroseconds = 0xa1b2c3d4
const magicNanoseconds = 0xa1b23c4d
const fileHeaderLength = 24
const frameHeaderLength = 16
/** The upper four bits of the link type word tell about frame check sequences. */
const linkTypeMask = 0x0fff_ffff
/** libpcap's own limit (MAXIMUM_SNAPLEN is 262144): "no limit" that every reader accepts. */
const unlimitedSnapLength = 262_144

/**
 * Reads a whole file: classic pcap of either byte order, with microseconds or nanoseconds, or pcapng.
 *
 * @throws Error telling the offset and the defect, when the file is neither, or broken, or cut off inside a frame
 */
export function readCapture(bytes: Uint8Array): CaptureFile {
  return isPcapng(bytes) ? readPcapng(bytes) : readClassic(bytes)
}

function readClassic(bytes: Uint8Array): CaptureFile {
  if (bytes.length < fileHeaderLength) {
    throw brokenCapture(0, `a pcap file starts with ${fileHeaderLength} bytes of header, there are ${bytes.length}`)
  }
  const view = viewOf(bytes)
  const little = isMagic(view.getUint32(0, true))
  const magic = view.getUint32(0, little)
  if (!isMagic(magic)) {
    throw brokenCapture(0, `neither a pcap nor a pcapng magic number but 0x${magic.toString(16).padStart(8, '0')}`)
  }
  const fractionNs = magic === magicNanoseconds ? 1n : 1000n
  const frames: CapturedFrame[] = []
  let at = fileHeaderLength
  while (at < bytes.length) {
    if (at + frameHeaderLength > bytes.length) throw brokenCapture(at, 'the file ends inside a frame header')
    const captured = view.getUint32(at + 8, little)
    const dataAt = at + frameHeaderLength
    if (captured > bytes.length - dataAt) {
      throw brokenCapture(at, `a frame of ${captured} bytes of which the file has ${bytes.length - dataAt}`)
    }
    frames.push({
      data: bytes.subarray(dataAt, dataAt + captured),
      originalLength: view.getUint32(at + 12, little),
      timestampNs:
        BigInt(view.getUint32(at, little)) * nsPerSecond + BigInt(view.getUint32(at + 4, little)) * fractionNs,
    })
    at = dataAt + captured
  }
  return { linkType: view.getUint32(20, little) & linkTypeMask, frames }
}

function isMagic(value: number): boolean {
  return value === magicMicroseconds || value === magicNanoseconds
}

/** The start of a pcap file with nanosecond timestamps. */
export function pcapHeader(linkType: number = linkTypeEthernet): Uint8Array {
  const bytes = new Uint8Array(fileHeaderLength)
  const view = viewOf(bytes)
  view.setUint32(0, magicNanoseconds, true)
  view.setUint16(4, 2, true)
  view.setUint16(6, 4, true)
  view.setUint32(16, unlimitedSnapLength, true)
  view.setUint32(20, linkType, true)
  return bytes
}

/** One frame for a file that starts with `pcapHeader`. */
export function pcapFrame(frame: CapturedFrame): Uint8Array {
  const bytes = new Uint8Array(frameHeaderLength + frame.data.length)
  const view = viewOf(bytes)
  view.setUint32(0, Number(frame.timestampNs / nsPerSecond), true)
  view.setUint32(4, Number(frame.timestampNs % nsPerSecond), true)
  view.setUint32(8, frame.data.length, true)
  view.setUint32(12, frame.originalLength, true)
  bytes.set(frame.data, frameHeaderLength)
  return bytes
}
