import { describe, expect, it } from 'vitest'
import { type CompareOptions, compare, type Frame } from '../../../demo/compare/compare.ts'
import { payloadOf, tcp4 } from './frames.ts'

const start = 1_000_000
const options: CompareOptions = {
  mtu: 1500,
  isTunnel: () => false,
  from: start - 1000,
  to: start + 60_000,
  verbatim: new Set(),
}

const at = (milliseconds: number, bytes: Uint8Array): Frame => ({ bytes, timeMs: start + milliseconds })
const counts = (wire: readonly Frame[], sensor: readonly Frame[], given = options) => {
  const { missing, faulty, duplicates, ...rest } = compare(wire, sensor, given)
  return { ...rest, missing: missing.length, faulty: faulty.length, duplicates: duplicates.length }
}
const clean = { missing: 0, faulty: 0, duplicates: 0, reordered: 0 }

const data = payloadOf(4000)
/** 4000 bytes of payload in one super-frame with FIN, PSH and CWR, its checksum partial as on a veth. */
const superFrame = tcp4({ sequence: 0xffff_fc00, payload: data, id: 0xffff, flags: 0x99, partial: true })
const segmentsAt1448 = [
  tcp4({ sequence: 0xffff_fc00, payload: data.subarray(0, 1448), id: 0xffff, flags: 0x90 }),
  tcp4({ sequence: 424, payload: data.subarray(1448, 2896), id: 0, flags: 0x10 }),
  tcp4({ sequence: 1872, payload: data.subarray(2896), id: 1, flags: 0x19 }),
]

describe('comparing the wire with what the sensor got', () => {
  it('finds nothing wrong where every frame arrived once, its partial checksum completed', () => {
    const wire = [1, 2, 3].map((n) => at(n, tcp4({ sequence: n, payload: payloadOf(n), partial: true })))
    const sensor = [1, 2, 3].map((n) => at(n + 1, tcp4({ sequence: n, payload: payloadOf(n) })))
    expect(counts(wire, sensor)).toEqual({
      frames: 3,
      superFrames: 0,
      largest: 57,
      tunnelFrames: 0,
      expected: 3,
      matched: 3,
      ...clean,
    })
  })

  it('counts a super-frame as its segments, whose sequence number and IP id wrap', () => {
    const sensor = segmentsAt1448.map((bytes) => at(1, bytes))
    expect(counts([at(0, superFrame)], sensor)).toMatchObject({ frames: 1, superFrames: 1, expected: 3, ...clean })
  })

  it('takes the size of the segments from the sensor, since a smaller one is as good', () => {
    const wire = [at(0, tcp4({ sequence: 5, payload: data, partial: true }))]
    const cut = [0, 1000, 2000, 3000].map((offset, index) =>
      at(1, tcp4({ sequence: 5 + offset, payload: data.subarray(offset, offset + 1000), id: 1 + index })),
    )
    expect(counts(wire, cut)).toMatchObject({ expected: 4, matched: 4, ...clean })
  })

  it.each([0, 1, 2])('names the segment that is missing: number %i', (lost) => {
    const sensor = segmentsAt1448.filter((_, index) => index !== lost).map((bytes) => at(1, bytes))
    expect(counts([at(0, superFrame)], sensor).missing).toBeGreaterThan(0)
  })

  it('calls a super-frame that arrived uncut faulty', () => {
    expect(counts([at(0, superFrame)], [at(1, superFrame)])).toMatchObject({ faulty: 1, matched: 0 })
  })

  it('calls a checksum that stayed partial faulty', () => {
    const partial = tcp4({ sequence: 1, payload: payloadOf(9), partial: true })
    expect(counts([at(0, partial)], [at(1, partial)])).toMatchObject({ faulty: 1, missing: 1 })
  })

  it('calls a frame with any changed byte faulty', () => {
    const frame = tcp4({ sequence: 1, payload: payloadOf(3) })
    for (let index = 0; index < frame.length; index++) {
      const changed = Uint8Array.from(frame)
      changed[index]! ^= 0x10
      expect(counts([at(0, frame)], [at(1, changed)]), `byte ${index}`).toMatchObject({ faulty: 1, missing: 1 })
    }
  })

  it('wants a checksum that was wrong on the wire, and not partial, to stay wrong', () => {
    const corrupt = tcp4({ sequence: 1, payload: payloadOf(9) })
    corrupt[corrupt.length - 1]! ^= 1
    expect(counts([at(0, corrupt)], [at(1, corrupt)])).toMatchObject({ matched: 1, ...clean })
  })

  it('tells a duplicate from a frame that the wire carried twice', () => {
    const frame = tcp4({ sequence: 1, payload: payloadOf(9) })
    const once = [at(0, frame)]
    const twice = [at(0, frame), at(5, frame)]
    expect(counts(twice, twice)).toMatchObject({ matched: 2, ...clean })
    expect(counts(once, twice)).toMatchObject({ matched: 1, duplicates: 1, missing: 0 })
  })

  it('notices frames of a flow that changed places', () => {
    const [first, second] = [1, 2].map((n) => tcp4({ sequence: n, payload: payloadOf(n) }))
    expect(counts([at(0, first!), at(1, second!)], [at(2, second!), at(3, first!)])).toMatchObject({ reordered: 1 })
  })

  it('does not put a later frame in the place of an equal one that was lost', () => {
    const frame = tcp4({ sequence: 1, payload: payloadOf(9) })
    const result = compare([at(0, frame), at(5000, frame)], [at(5001, frame)], options)
    expect(result.missing.map((lost) => lost.timeMs - start)).toEqual([0])
  })

  it('pairs equal frames so that one from before the capture leaves the others theirs', () => {
    const frame = tcp4({ sequence: 1, payload: payloadOf(9) })
    const wire = [at(0, frame), at(10, frame)]
    const sensor = [at(-2000, frame), at(1, frame), at(11, frame)]
    expect(counts(wire, sensor)).toMatchObject({ matched: 2, ...clean })
  })

  it.each([
    ['pairs frames of which the wire has as many, though its timestamps were late', 500, clean],
    ['pairs none with one that came to the wire long after it', 501, { ...clean, missing: 1, duplicates: 1 }],
  ])('%s', (_, late, found) => {
    const equal = tcp4({ sequence: 1, payload: payloadOf(9) })
    const wire = [at(late, equal), at(late + 1000, equal)]
    expect(counts(wire, [at(0, equal), at(1000, equal)])).toMatchObject(found)
  })

  it('leaves out the tunnel, and what the sensor has from before and after', () => {
    const [tunnel, early, late] = [1, 2, 3].map((n) => tcp4({ sequence: n, payload: payloadOf(n) }))
    const given = { ...options, isTunnel: (bytes: Uint8Array) => bytes === tunnel }
    const sensor = [at(-1001, early!), at(60_001, late!)]
    expect(counts([at(0, tunnel!)], sensor, given)).toMatchObject({ frames: 0, tunnelFrames: 1, ...clean })
    expect(counts([at(0, tunnel!)], [...sensor, at(1, tunnel!)], given)).toMatchObject({ faulty: 1 })
  })
})
