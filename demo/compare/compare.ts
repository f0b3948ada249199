/**
 * Was every frame of the wire at the sensor, once, unchanged and in order?
 *
 * The wire is a capture by dumpcap outside of the pod; the sensor's side is the capture that the sensor wrote. For every
 * frame of the wire the bytes that a sensor must get are worked out (expected.ts). A super-frame becomes its segments;
 * only their size is taken from the sensor, because a capture file does not say it, and it may not exceed the MTU.
 * Then both sides are matched flow by flow and byte for byte:
 *
 *   missing     expected, but not at the sensor
 *   faulty      at the sensor, but never expected: a changed byte, a wrong checksum, a frame of the tunnel itself
 *   duplicate   expected, and at the sensor once more than on the wire
 *   reordered   at the sensor behind a frame of the same flow that came later
 */
import { segmentsOf, tcpPayloadLength, tcpSequence, withChecksum } from './expected.ts'
import { flowOf, type Layers, layersOf } from './layers.ts'

export interface Frame {
  readonly bytes: Uint8Array
  /** Milliseconds since the epoch. */
  readonly timeMs: number
}

export interface CompareOptions {
  /** Bytes: the MTU of the pod's interface. Only frames above it may be cut. */
  readonly mtu: number
  /** Whether a frame of the wire belongs to the sidecar's own tunnel, which is never mirrored. */
  readonly isTunnel: (frame: Uint8Array, layers: Layers | undefined) => boolean
  /** When the capture of the wire was complete, from and to: what the sensor has from outside of it is no fault. */
  readonly from: number
  readonly to: number
  /**
   * Frames (by `keyOf`) that were sent with nothing left for the kernel to finish: they must arrive as they are, even
   * where a checksum looks unfinished.
   */
  readonly verbatim: ReadonlySet<string>
}

export interface Comparison {
  /** Frames of the wire as the kernel carried them, those of the tunnel left out. */
  readonly frames: number
  readonly superFrames: number
  /** Bytes of the largest frame. */
  readonly largest: number
  /** Frames of the tunnel itself. */
  readonly tunnelFrames: number
  /** Frames that the sensor must get: super-frames count as their segments. */
  readonly expected: number
  readonly matched: number
  readonly missing: readonly Frame[]
  readonly faulty: readonly Frame[]
  readonly duplicates: readonly Frame[]
  readonly reordered: number
}

interface Seen extends Frame {
  readonly layers: Layers | undefined
}

/** Milliseconds by which a frame may seem to be at the sensor before it was on the wire: timestamps are rounded. */
const clockStep = 2
/** The same, where there are as many on both sides: the wire's timestamp may have waited for a processor. */
const lateStamp = 500

/** The bytes of a frame as a text, to look it up by. */
export const keyOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

export function compare(wire: readonly Frame[], sensor: readonly Frame[], options: CompareOptions): Comparison {
  const seen = wire.map((frame) => ({ ...frame, layers: layersOf(frame.bytes) }))
  // What was sent on purpose is traffic, even where it looks like the tunnel (a capture of an earlier run).
  const onPurpose = (frame: Frame) => options.verbatim.size > 0 && options.verbatim.has(keyOf(frame.bytes))
  const mirrored = seen.filter((frame) => onPurpose(frame) || !options.isTunnel(frame.bytes, frame.layers))
  const atSensor = byFlow(sensor.map((frame) => ({ ...frame, layers: layersOf(frame.bytes) })))
  const total = {
    frames: mirrored.length,
    superFrames: 0,
    largest: mirrored.reduce((largest, { bytes }) => Math.max(largest, bytes.length), 0),
    tunnelFrames: seen.length - mirrored.length,
    expected: 0,
    matched: 0,
    missing: [] as Frame[],
    faulty: [] as Frame[],
    duplicates: [] as Frame[],
    reordered: 0,
  }
  const flows = byFlow(mirrored)
  for (const flow of new Set([...flows.keys(), ...atSensor.keys()])) {
    const received = atSensor.get(flow) ?? []
    const sizes = new SegmentSizes(received)
    const expected: Frame[] = []
    for (const frame of flows.get(flow) ?? []) {
      const segments = segmentsExpected(frame, sizes, options)
      if (segments.length > 1) total.superFrames++
      for (const bytes of segments) expected.push({ bytes, timeMs: frame.timeMs })
    }
    match(expected, received, options, total)
  }
  return total
}

function byFlow(frames: readonly Seen[]): Map<string, Seen[]> {
  const flows = new Map<string, Seen[]>()
  for (const frame of frames) {
    const flow = flowOf(frame.bytes, frame.layers)
    const list = flows.get(flow)
    if (list === undefined) flows.set(flow, [frame])
    else list.push(frame)
  }
  return flows
}

/** Which segment sizes the sensor saw: at a sequence number, and the largest of the flow. */
class SegmentSizes {
  readonly keys: ReadonlySet<string>
  readonly #at = new Map<number, Set<number>>()
  #largest = 0

  constructor(received: readonly Seen[]) {
    for (const { bytes, layers } of received) {
      const size = tcpPayloadLength(bytes, layers)
      if (size === 0 || layers === undefined) continue
      const sequence = tcpSequence(bytes, layers)
      this.#at.set(sequence, (this.#at.get(sequence) ?? new Set()).add(size))
      this.#largest = Math.max(this.#largest, size)
    }
    this.keys = new Set(received.map((frame) => keyOf(frame.bytes)))
  }

  /**
   * Sizes that a super-frame which starts at this sequence number may have been cut at; the likeliest first.
   * @param full the segment size of a flow that fills the MTU: that of a super-frame of which the sensor saw nothing
   */
  candidates(sequence: number, full: number): number[] {
    const sizes = [...(this.#at.get(sequence) ?? []), full, this.#largest]
    return sizes.filter((size) => size > 0 && size <= full)
  }
}

function segmentsExpected(frame: Seen, sizes: SegmentSizes, { mtu, verbatim }: CompareOptions): Uint8Array[] {
  const { bytes, layers } = frame
  if (verbatim.size > 0 && verbatim.has(keyOf(bytes))) return [bytes]
  const payload = tcpPayloadLength(bytes, layers)
  if (layers === undefined || payload === 0 || layers.end - layers.ip <= mtu) return [withChecksum(bytes, layers)]
  const largest = mtu - (layers.end - layers.ip - payload)
  const cuts = sizes.candidates(tcpSequence(bytes, layers), largest).map((size) => segmentsOf(bytes, layers, size))
  // The same bytes may have been sent again with another size: the cut that the sensor saw most of is the one.
  const seenOf = (cut: Uint8Array[]) => cut.filter((segment) => sizes.keys.has(keyOf(segment))).length / cut.length
  return cuts.reduce((best, cut) => (seenOf(cut) > seenOf(best) ? cut : best))
}

interface Totals {
  expected: number
  matched: number
  missing: Frame[]
  faulty: Frame[]
  duplicates: Frame[]
  reordered: number
}

/** Matches one flow, whose frames are in order on both sides. */
function match(expected: readonly Frame[], received: readonly Frame[], options: CompareOptions, total: Totals): void {
  const waiting = positionsByKey(expected)
  const place = new Map<Frame, number>()
  const matched = new Set<number>()
  for (const [key, positions] of positionsByKey(received)) {
    const onWire = waiting.get(key) ?? []
    const equal = positions.map((position) => received[position]!)
    for (const frame of pairUp(equal, onWire, expected, place)) {
      if (frame.timeMs < options.from || frame.timeMs > options.to) continue
      const list = onWire.length === 0 ? total.faulty : total.duplicates
      list.push(frame)
    }
  }
  let last = -1
  for (const frame of received) {
    const index = place.get(frame)
    if (index === undefined) continue
    matched.add(index)
    if (index < last) total.reordered++
    last = Math.max(last, index)
  }
  total.expected += expected.length
  total.matched += matched.size
  expected.forEach((frame, index) => {
    if (!matched.has(index)) total.missing.push(frame)
  })
}

function positionsByKey(frames: readonly Frame[]): Map<string, number[]> {
  const positions = new Map<string, number[]>()
  frames.forEach((frame, position) => {
    const key = keyOf(frame.bytes)
    const list = positions.get(key)
    if (list === undefined) positions.set(key, [position])
    else list.push(position)
  })
  return positions
}

/**
 * Pairs equal frames: in order where there are as many on both sides and they may be the same; else each of the
 * sensor's, from the last to the first, with the latest of the wire that is left and not later than itself. So none takes the place of an equal frame (a ping, a neighbour solicitation) that was lost
 * long before, or that came before the capture began.
 * @param place takes the position on the wire
 * @returns the sensor's frames that have no counterpart
 */
function pairUp(
  equal: readonly Frame[],
  onWire: readonly number[],
  expected: readonly Frame[],
  place: Map<Frame, number>,
): Frame[] {
  const alike = (index: number) => expected[onWire[index]!]!.timeMs <= equal[index]!.timeMs + lateStamp
  if (equal.length === onWire.length && equal.every((_, index) => alike(index))) {
    equal.forEach((frame, index) => {
      place.set(frame, onWire[index]!)
    })
    return []
  }
  const alone: Frame[] = []
  let left = onWire.length
  for (const frame of equal.toReversed()) {
    let candidate = left - 1
    while (candidate >= 0 && expected[onWire[candidate]!]!.timeMs > frame.timeMs + clockStep) candidate--
    if (candidate < 0) alone.push(frame)
    else place.set(frame, onWire[candidate]!)
    if (candidate >= 0) left = candidate
  }
  return alone
}
