/**
 * Completes the checksums that the kernel left to hardware, and no other.
 *
 * A frame sent by a local socket carries in its checksum field only the pseudo-header's sum; the device was to add the
 * rest (CHECKSUM_PARTIAL, Documentation/networking/checksum-offloads.rst). virtio_net_hdr says of which frames that is
 * true. Every other frame keeps its checksum, wrong ones included: a sensor must see a corrupt packet as corrupt.
 */
import { finishChecksum, finishUdpChecksum, sumBytes, writeLane } from '../../wire/checksum.ts'
import { crc32cBytes, crc32cFinish, crc32cStart, crc32cZeros } from '../../wire/crc32c.ts'
import type { Memory } from '../../wire/memory.ts'
import { emptyParsedFrame, parseFrame } from '../../wire/parse.ts'
import { protocolSctp, sctpField, sctpHeaderLength } from '../../wire/sctp.ts'
import { udpField } from '../../wire/udp.ts'
import { type VirtioHeader, virtioNeedsCsum } from '../../wire/virtio.ts'

/** Reused for the rare frame that has to be parsed. */
const parsed = emptyParsedFrame()

/**
 * Completes the frame's checksum in place when it is partial, as skb_checksum_help (net/core/dev.c) does: over all
 * bytes from csum_start to the frame's end. Other than there, only UDP's 0 becomes 0xffff: csum_offset 6 tells UDP.
 *
 * SCTP's is a CRC32c, not a sum, and the kernel leaves it to hardware under the same flag.
 *
 * @param at offset of the frame's first byte
 * @param length all of the frame: of a truncated frame the right checksum cannot be known
 * @returns false when csum_start or csum_offset point outside the frame, which is then left as it is; true otherwise
 */
export function completeChecksum(memory: Memory, at: number, length: number, virtio: VirtioHeader): boolean {
  if ((virtio.flags & virtioNeedsCsum) === 0) return true
  const { csumStart, csumOffset } = virtio
  const fieldAt = csumStart + csumOffset
  if (fieldAt + 2 > length) return false
  if (csumOffset === sctpField.checksum && isSctp(memory, at, length, csumStart)) {
    return completeSctp(memory, at + csumStart, parsed.ipEnd)
  }
  const sum = sumBytes(memory, at + csumStart, length - csumStart)
  const checksum = csumOffset === udpField.checksum ? finishUdpChecksum(sum) : finishChecksum(sum)
  writeLane(memory, at + fieldAt, checksum)
  return true
}

function isSctp(memory: Memory, at: number, length: number, csumStart: number): boolean {
  return parseFrame(memory, at, length, parsed) && parsed.protocol === protocolSctp && parsed.l4 === at + csumStart
}

/** RFC 9260 section 6.8: over the whole SCTP packet, its checksum field taken as zero. */
function completeSctp(memory: Memory, l4: number, end: number): boolean {
  const fieldAt = l4 + sctpField.checksum
  const rest = l4 + sctpHeaderLength
  if (rest > end) return false
  const head = crc32cZeros(crc32cBytes(memory, l4, sctpField.checksum, crc32cStart))
  const crc = crc32cFinish(crc32cBytes(memory, rest, end - rest, head))
  writeLane(memory, fieldAt, crc & 0xffff)
  writeLane(memory, fieldAt + 2, crc >>> 16)
  return true
}
