import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyParsedFrame, type ParsedFrame, parseFrame } from '../../../wire/parse.ts'
import { bytesOf, frameSpec } from '../../support/arbitraries.ts'
import { buildFrame, destinationV6, guard, place, sourceV6 } from '../../support/frames.ts'

/** Parses with offsets counted from the frame's first byte, through views that notice any read outside it. */
function parse(bytes: readonly number[]): { whole: boolean; frame: ParsedFrame } {
  const placed = place(bytes)
  const { memory, outside } = guard(placed)
  const frame: ParsedFrame = { ...emptyParsedFrame(), l4: 5, destination: 5, jumbo: 5, fragment: true, ipVersion: 6 }
  const whole = parseFrame(memory, placed.at, placed.length, frame)
  expect(outside).toEqual([])
  for (const key of ['l3', 'l4', 'ipEnd', 'destination', 'jumbo'] as const) if (frame[key] >= 0) frame[key] -= placed.at
  return { whole, frame }
}

const v6 = { version: 6, source: sourceV6, destination: destinationV6 } as const

describe('parseFrame', () => {
  it('finds the headers of any well-formed frame', () => {
    fc.assert(
      fc.property(frameSpec(60), (spec) => {
        const built = buildFrame(spec)
        const { whole, frame } = parse(built.bytes)
        const ipEnd = built.bytes.length - spec.padding.length
        expect(whole).toBe(true)
        expect(frame).toEqual({
          l3: built.l3,
          etherType: spec.version === 4 ? 0x0800 : 0x86dd,
          vlanTags: spec.tags.length,
          ipVersion: spec.version,
          protocol: spec.protocol,
          l4: built.l4,
          ipEnd,
          ipLength: ipEnd - built.l3,
          fragment: false,
          destination: frame.destination,
          jumbo: built.jumbo,
        })
        const length = spec.version === 4 ? 4 : 16
        expect(built.bytes.slice(frame.destination, frame.destination + length)).toEqual(built.pseudo.destination)
      }),
      { numRuns: 300, seed: 70 },
    )
  })

  it('given a frame cut anywhere, reads nothing past it, and is whole only once all IP headers are there', () => {
    const extensions = ['hopByHop', 'routing', 'atomicFragment', 'authentication', 'destination'] as const
    for (const changes of [{ ipOptions: [1, 1, 1, 1] }, { ...v6, extensions }, { tags: [{ tpid: 0x88a8, tci: 1 }] }]) {
      const built = buildFrame({ ...changes, payload: [1, 2, 3] })
      for (let length = 0; length < built.bytes.length; length++) {
        const { whole, frame } = parse(built.bytes.slice(0, length))
        expect(whole, `${length} bytes`).toBe(length >= built.l4)
        expect(frame.l4).toBe(length >= built.l4 ? built.l4 : -1)
        expect(frame.ipEnd).toBe(length)
      }
    }
  })

  it('given a later fragment, gives no transport header; given the first, gives it and says fragment', () => {
    const bytes = [...buildFrame({ payload: [1] }).bytes]
    bytes[20] = 0x20
    expect(parse(bytes).frame).toMatchObject({ l4: 34, fragment: true, protocol: 6 })
    bytes[21] = 3
    expect(parse(bytes).frame).toMatchObject({ l4: -1, fragment: true, protocol: 6 })
    bytes[20] = 0
    expect(parse(bytes).frame).toMatchObject({ l4: -1, fragment: true, protocol: 6 })
    const sixth = [...buildFrame({ ...v6, extensions: ['atomicFragment'] }).bytes]
    expect(parse(sixth).frame).toMatchObject({ l4: 62, fragment: false })
    sixth[57] = 1
    expect(parse(sixth).frame).toMatchObject({ l4: 62, fragment: true, protocol: 6 })
    sixth[57] = 8
    expect(parse(sixth).frame).toMatchObject({ l4: -1, fragment: true, protocol: 6 })
  })

  it('given no next header, gives no transport header', () => {
    const bytes = [...buildFrame(v6).bytes]
    bytes[20] = 59
    expect(parse(bytes)).toMatchObject({ whole: true, frame: { protocol: 59, l4: -1 } })
  })

  it('given a frame that is not IP, says which EtherType and where its payload starts', () => {
    const head = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]
    expect(parse([...head, 8, 6, 0, 1])).toMatchObject({
      whole: true,
      frame: { l3: 14, etherType: 0x0806, ipVersion: 0 },
    })
    expect(parse([...head, 0x81, 0, 0, 5, 0, 50, 1])).toMatchObject({
      whole: true,
      frame: { l3: 18, etherType: 50, vlanTags: 1, ipVersion: 0, l4: -1 },
    })
  })

  it.each([
    ['version 5 under IPv4', (b: number[]) => b.splice(14, 1, 0x55), 0],
    ['IPv6 under the EtherType of IPv4', (b: number[]) => b.splice(14, 1, 0x65), 0],
    ['a header length of 0', (b: number[]) => b.splice(14, 1, 0x40), 4],
    ['a header length past the frame', (b: number[]) => b.splice(14, 1, 0x4f), 4],
    ['a total length below the header', (b: number[]) => b.splice(16, 2, 0, 10), 4],
    ['tags to the end', (b: number[]) => b.splice(12, b.length, ...new Array(11).fill([0x81, 0, 0, 1]).flat()), 0],
  ] as const)('given %s, says that it is broken', (_name, spoil, ipVersion) => {
    const bytes = [...buildFrame({}).bytes]
    spoil(bytes)
    expect(parse(bytes)).toMatchObject({ whole: false, frame: { l4: -1, ipVersion } })
  })

  it('given IPv6 extension headers that chain past the packet, says that it is broken', () => {
    for (const first of [0, 43, 44, 51, 60]) {
      const bytes = [...buildFrame({ ...v6, payload: new Array(40).fill(first) }).bytes]
      bytes[20] = first
      bytes.fill(first, 54)
      if (first !== 44) bytes[55] = 255
      else bytes.fill(0, 56, 58)
      expect(parse(bytes).frame.l4).toBe(-1)
    }
  })

  it('given any bytes behind any EtherType, never reads outside, and every offset is inside', () => {
    const types = [[], [0x08, 0x00, 0x45], [0x86, 0xdd, 0x60], [0x81, 0x00], [0x81, 0, 0, 0, 0x86, 0xdd, 0x60]]
    fc.assert(
      fc.property(
        bytesOf(0, 160),
        fc.constantFrom(...types),
        fc.constantFrom(0, 43, 44, 51, 60, 6),
        (bytes, type, next) => {
          const length = bytes.length
          bytes.splice(12, type.length, ...type)
          if (bytes.length > 20) bytes[20] = next
          const { frame } = parse(bytes.slice(0, length))
          expect(frame.l3).toBeLessThanOrEqual(length)
          expect(frame.ipEnd).toBeLessThanOrEqual(length)
          expect(frame.l4).toBeLessThanOrEqual(frame.ipEnd)
        },
      ),
      { numRuns: 2000, seed: 71 },
    )
  })
})
