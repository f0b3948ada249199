/** What a capture file holds, whatever its format. */

/** LINKTYPE_ETHERNET (https://www.tcpdump.org/linktypes.html). */
export const linkTypeEthernet = 1

export interface CapturedFrame {
  /** A view into the file's bytes, not a copy. */
  data: Uint8Array
  /** Bytes on the wire; more than `data` has when the capture was cut by a snap length. */
  originalLength: number
  /** Nanoseconds since 1970-01-01 UTC; 0 where the format gives none (simple packet blocks). */
  timestampNs: bigint
}

export interface CaptureFile {
  linkType: number
  frames: CapturedFrame[]
}

export const nsPerSecond = 1_000_000_000n

export function brokenCapture(offset: number, what: string): Error {
  return new Error(`Cannot read the capture file: ${what} at byte ${offset}`)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
