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
  headerLength: number
  gsoSize: number
  csumStart: number
  csumOffset: number
}

export function emptyVirtio(): VirtioHeader {
  return { flags: 0, gsoType: gsoNone, headerLength: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }
}

/**
 * Preconditions: 10 bytes are there at `at`. The header may stand at an odd place; then it is read byte by byte.
 * One look at the address for all of it: a look for each field shows in the time of a small frame.
 */
export function readVirtio(memory: Memory, at: number, into: VirtioHeader): void {
  if ((at & 3) === 0) {
    const { u16, u32 } = memory
    const first = u32[at >>> 2]!
    const second = u32[(at >>> 2) + 1]!
    into.flags = first & 0xff
    into.gsoType = (first >>> 8) & 0xff & ~gsoEcn
    into.headerLength = first >>> 16
    into.gsoSize = second & 0xffff
    into.csumStart = second >>> 16
    into.csumOffset = u16[(at + field.csumOffset) >>> 1]!
    return
  }
  const u8 = memory.u8
  into.flags = u8[at + field.flags]!
  into.gsoType = u8[at + field.gsoType]! & ~gsoEcn
  into.headerLength = u8[at + field.headerLength]! | (u8[at + field.headerLength + 1]! << 8)
  into.gsoSize = u8[at + field.gsoSize]! | (u8[at + field.gsoSize + 1]! << 8)
  into.csumStart = u8[at + field.csumStart]! | (u8[at + field.csumStart + 1]! << 8)
  into.csumOffset = u8[at + field.csumOffset]! | (u8[at + field.csumOffset + 1]! << 8)
}
