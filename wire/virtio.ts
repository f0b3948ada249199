/**
 * virtio_net_hdr: what the kernel knows about a frame that its bytes do not say.
 *
 * Source: include/uapi/linux/virtio_net.h (struct virtio_net_hdr, 10 bytes, native byte order when it comes from a
 * packet socket with PACKET_VNET_HDR). Kernel: Documentation/networking/checksum-offloads.rst.
 */
import type { Memory } from './memory.ts'

/** Offsets in struct virtio_net_hdr. */
const field = {
  flags: 0,
  gsoType: 1,
  headerLength: 2,
  gsoSize: 4,
  csumStart: 6,
  csumOffset: 8,
} as const

export const virtioHeaderLength = 10

/** flags: the checksum at csum_start + csum_offset holds only the pseudo-header's sum. */
export const virtioNeedsCsum = 1
/** flags: the kernel has verified the checksum. */
export const virtioDataValid = 2

export const gsoNone = 0
export const gsoTcpV4 = 1
/** UFO: IP fragments, no longer produced by kernels since 4.14. */
export const gsoUdpFragment = 3
export const gsoTcpV6 = 4
/** Several UDP datagrams in one, as UDP_SEGMENT sends and UDP GRO builds. */
export const gsoUdpL4 = 5
/** Or-ed into gso_type: the TCP super-frame carries CWR or ECE. */
export const gsoEcn = 0x80

/** A decoded header. One record is reused for every frame: `readVirtio` sets each field. Offsets are from the frame's first byte. */
export interface VirtioHeader {
  flags: number
  /** Without the ECN bit. */
  gsoType: number
  /** VIRTIO_NET_HDR_GSO_ECN: CWR is of RFC 3168, for the first segment alone. */
  ecn: boolean
  headerLength: number
  gsoSize: number
  csumStart: number
  csumOffset: number
}

export function emptyVirtio(): VirtioHeader {
  return { flags: 0, gsoType: gsoNone, ecn: false, headerLength: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }
}

/** Preconditions: 10 bytes are there at `at`, wherever that is. */
export function readVirtio({ view }: Memory, at: number, into: VirtioHeader): void {
  into.flags = view.getUint8(at + field.flags)
  const gsoType = view.getUint8(at + field.gsoType)
  into.gsoType = gsoType & ~gsoEcn
  into.ecn = (gsoType & gsoEcn) !== 0
  into.headerLength = view.getUint16(at + field.headerLength, true)
  into.gsoSize = view.getUint16(at + field.gsoSize, true)
  into.csumStart = view.getUint16(at + field.csumStart, true)
  into.csumOffset = view.getUint16(at + field.csumOffset, true)
}
