/** Frames of an EtherType for experiments (IEEE Std 802, 0x88b5), each with a flow and a number in it: easy to count. */
import type { FrameSender } from './netns-sockets.ts'

export const experimental = 0x88b5
export const experimentalFilter = 'ether proto 0x88b5'

export interface Numbered {
  readonly flow: number
  readonly index: number
}

export interface NumberedOptions extends Numbered {
  /** Bytes, 20 at least. */
  readonly length?: number
  /** The other direction of the same flow: the addresses swapped. */
  readonly reply?: boolean
  /** An 802.1Q tag's VLAN. */
  readonly vlan?: number
}

export function numberedFrame({ flow, index, length = 60, reply = false, vlan }: NumberedOptions): Buffer {
  const frame = Buffer.alloc(length, 0x5a)
  frame.set([0x02, 0, 0xaa, 0, flow >> 8, flow & 0xff], reply ? 6 : 0)
  frame.set([0x02, 0, 0xbb, 0, flow >> 8, flow & 0xff], reply ? 0 : 6)
  frame.writeUInt16BE(experimental, 12)
  frame.writeUInt16BE(flow, 14)
  frame.writeUInt32BE(index, 16)
  if (vlan === undefined) return frame
  const tag = Buffer.from([0x81, 0x00, vlan >> 8, vlan & 0xff])
  return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)])
}

/** Sends frames with the numbers `from` up to `to` of one flow; how many that were. */
export function sendNumbered(
  sender: FrameSender,
  from: number,
  to: number,
  options: Partial<NumberedOptions> = {},
): number {
  for (let index = from; index < to; index++) sender.send(numberedFrame({ flow: 1, ...options, index }))
  return to - from
}

/** The numbers of a flow's frames, in the order in which they came; all flows unless told. */
export function numbersOf(frames: readonly Buffer[], flow?: number): number[] {
  return frames
    .filter((frame) => frame.length >= 20 && frame.readUInt16BE(12) === experimental)
    .filter((frame) => flow === undefined || frame.readUInt16BE(14) === flow)
    .map((frame) => frame.readUInt32BE(16))
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}
