import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CapturedFrame,
  pcapFrame,
  pcapHeader,
  pcapngHeader,
  pcapngPacket,
  readCapture,
} from '../../../wire/pcap.ts'
import { bytesOf } from '../../support/arbitraries.ts'

/** Bytes of 8-, 16- and 32-bit fields in one byte order, written as [width, value]. */
function fields(little: boolean, ...list: readonly (readonly [1 | 2 | 4, number])[]): number[] {
  return list.flatMap(([width, value]) => {
    const bytes = Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256)
    return little ? bytes : bytes.reverse()
  })
}

function classic(little: boolean, magic: number, fraction: number): Uint8Array {
  const header = fields(little, [4, magic], [2, 2], [2, 4], [4, 0], [4, 0], [4, 65535], [4, 0x1000_0001])
  const frame = fields(little, [4, 1_700_000_000], [4, fraction], [4, 3], [4, 60])
  return Uint8Array.from([...header, ...frame, 7, 8, 9])
}

function block(little: boolean, type: number, body: readonly number[]): number[] {
  const length = 12 + body.length
  return [...fields(little, [4, type], [4, length]), ...body, ...fields(little, [4, length])]
}

function section(little: boolean): number[] {
  return block(little, 0x0a0d0d0a, [
    ...fields(little, [4, 0x1a2b3c4d], [2, 1], [2, 0]),
    ...new Array<number>(8).fill(255),
  ])
}

function description(little: boolean, linkType: number, snapLength: number, options: readonly number[] = []): number[] {
  return block(little, 1, [...fields(little, [2, linkType], [2, 0], [4, snapLength]), ...options])
}

/** An enhanced packet of three bytes, 0x15_0000_0001 units after the epoch. */
function enhanced(little: boolean, interfaceId: number): number[] {
  return block(little, 6, [...fields(little, [4, interfaceId], [4, 0x15], [4, 1], [4, 3], [4, 60]), 7, 8, 9, 0])
}

const sevenEightNine = { data: Uint8Array.of(7, 8, 9), originalLength: 60 }
const units = 0x15_0000_0001n

describe('reading pcap', () => {
  it.each([
    ['little-endian, microseconds', true, 0xa1b2c3d4, 250_000],
    ['big-endian, microseconds', false, 0xa1b2c3d4, 250_000],
    ['little-endian, nanoseconds', true, 0xa1b23c4d, 250_000_000],
    ['big-endian, nanoseconds', false, 0xa1b23c4d, 250_000_000],
  ])('given a %s file, finds its frames', (_name, little, magic, fraction) => {
    expect(readCapture(classic(little, magic, fraction))).toEqual({
      linkType: 1,
      frames: [{ ...sevenEightNine, timestampNs: 1_700_000_000_250_000_000n }],
    })
  })

  it('given a view into a larger buffer, stays inside it', () => {
    const file = classic(true, 0xa1b2c3d4, 1)
    const larger = new Uint8Array(file.length + 20)
    larger.set(file, 7)
    expect(readCapture(larger.subarray(7, 7 + file.length)).frames).toHaveLength(1)
  })

  it('given a file that is cut anywhere but between frames, throws and says where', () => {
    const file = classic(true, 0xa1b2c3d4, 1)
    for (let length = 0; length < file.length; length++) {
      if (length === 24) expect(readCapture(file.slice(0, length)).frames).toEqual([])
      else expect(() => readCapture(file.slice(0, length))).toThrow(/Cannot read the capture file: .+ at byte (0|24)$/)
    }
  })

  it('given something else, says which magic number it has', () => {
    expect(() => readCapture(new Uint8Array(30).fill(0x41))).toThrow('but 0x41414141')
  })
})

describe('reading pcapng', () => {
  it.each([true, false])(
    'given a section (little-endian: %s), reads enhanced and simple packets and skips others',
    (little) => {
      const simple = block(little, 3, [...fields(little, [4, 60]), 7, 8, 9, 0])
      const unknown = block(little, 0x0bad, [1, 2, 3, 4])
      const file = [...section(little), ...description(little, 1, 3), ...unknown, ...enhanced(little, 0), ...simple]
      expect(readCapture(Uint8Array.from(file))).toEqual({
        linkType: 1,
        frames: [
          { ...sevenEightNine, timestampNs: units * 1000n },
          { ...sevenEightNine, timestampNs: 0n },
        ],
      })
    },
  )

  it('given several interfaces and sections, takes the resolution and offset of each packet', () => {
    const le = true
    const end = fields(le, [2, 0], [2, 0])
    const nano = [...fields(le, [2, 9], [2, 1]), 9, 0, 0, 0, ...end]
    const binary = [...fields(le, [2, 9], [2, 1]), 0x80 | 10, 0, 0, 0, ...end]
    const offset = [...fields(le, [2, 14], [2, 8]), ...fields(le, [4, 100], [4, 0]), ...end]
    const file = [
      ...section(le),
      ...description(le, 1, 0, nano),
      ...description(le, 1, 0, binary),
      ...enhanced(le, 1),
      ...enhanced(le, 0),
      ...section(false),
      ...description(false, 1, 0),
      ...enhanced(false, 0),
      ...section(le),
      ...description(le, 1, 0, offset),
      ...enhanced(le, 0),
    ]
    expect(readCapture(Uint8Array.from(file)).frames.map((frame) => frame.timestampNs)).toEqual([
      (units * 1_000_000_000n) / 1024n,
      units,
      units * 1000n,
      units * 1000n + 100_000_000_000n,
    ])
  })

  const good = [...section(true), ...description(true, 1, 0), ...enhanced(true, 0)]

  it.each([
    ['a packet before any interface', [...section(true), ...enhanced(true, 0)], 'not described'],
    ['a packet of an unknown interface', [...good, ...enhanced(true, 1)], 'not described'],
    ['an interface forgotten by a new section', [...good, ...section(true), ...enhanced(true, 0)], 'not described'],
    ['frames of two link types', [...good, ...description(true, 113, 0), ...enhanced(true, 1)], 'link type 113'],
    ['a wrong byte-order magic', block(true, 0x0a0d0d0a, [1, 2, 3, 4]), 'byte-order magic 0x04030201'],
    ['a block length of 0', [...good, ...fields(true, [4, 5], [4, 0], [4, 0])], 'a block of length 0'],
    ['a block length of 13', [...good, ...fields(true, [4, 5], [4, 13], [4, 0], [4, 0])], 'a block of length 13'],
    ['lengths that differ', [...good, ...fields(true, [4, 5], [4, 12], [4, 16])], 'that ends with length 16'],
    ['a packet block without its fields', [...good, ...block(true, 6, [0, 0, 0, 0])], 'without its fields'],
    ['a simple packet without its length', [...good, ...block(true, 3, [])], 'without its fields'],
    ['a simple packet past its block', [...good, ...block(true, 3, [9, 0, 0, 0])], 'past its block'],
    ['an interface without its fields', [...section(true), ...block(true, 1, [0, 0, 0, 0])], 'without its fields'],
    [
      'an option past its block',
      [...section(true), ...description(true, 1, 0, fields(true, [2, 9], [2, 99]))],
      'past its block',
    ],
    [
      'a packet past its block',
      [
        ...section(true),
        ...description(true, 1, 0),
        ...block(true, 6, fields(true, [4, 0], [4, 0], [4, 0], [4, 1], [4, 1])),
      ],
      'past its block',
    ],
  ])('given %s, throws and says so', (_name, file, message) => {
    expect(() => readCapture(Uint8Array.from(file))).toThrow(message)
  })

  it('given a file cut anywhere but between blocks, throws an Error that names the capture file', () => {
    const boundaries = [section(true).length, section(true).length + description(true, 1, 0).length]
    for (let length = 0; length < good.length; length++) {
      const file = Uint8Array.from(good.slice(0, length))
      if (boundaries.includes(length)) expect(readCapture(file).frames).toEqual([])
      else expect(() => readCapture(file), `${length} bytes`).toThrow(/^Cannot read the capture file: /)
    }
  })

  it('given random damage, reads or throws its own Error, nothing else', () => {
    const file = [...good, ...block(true, 3, [...fields(true, [4, 3]), 7, 8, 9, 0])]
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 })), { minLength: 1 }),
        (edits) => {
          const bytes = Uint8Array.from(file)
          for (const [i, value] of edits) bytes[i] = value
          try {
            readCapture(bytes)
          } catch (error) {
            expect((error as Error).message).toMatch(/^Cannot read the capture file: /)
          }
        },
      ),
      { numRuns: 1000, seed: 80 },
    )
  })
})

const frames = fc.array(
  fc.record({
    data: bytesOf(0, 40).map((bytes) => Uint8Array.from(bytes)),
    more: fc.nat({ max: 3000 }),
    timestampNs: fc.bigInt({ min: 0n, max: 4_294_967_295_999_999_999n }),
    comment: fc.option(fc.string(), { nil: undefined }),
  }),
  { maxLength: 5 },
)

describe('writing', () => {
  it('pcap and pcapng reads back as it was', () => {
    fc.assert(
      fc.property(frames, fc.constantFrom(1, 113), (list, linkType) => {
        const expected: CapturedFrame[] = list.map(({ data, more, timestampNs }) => {
          return { data, originalLength: data.length + more, timestampNs }
        })
        const old = Buffer.concat([pcapHeader(linkType), ...expected.map(pcapFrame)])
        expect(readCapture(new Uint8Array(old))).toEqual({ linkType, frames: expected })
        const packets = expected.map((frame, i) => {
          const comment = list[i]!.comment
          return pcapngPacket(comment === undefined ? frame : { ...frame, comment })
        })
        const next = Buffer.concat([pcapngHeader({ linkType, name: 'eth0', application: 'vxtap' }), ...packets])
        expect(readCapture(new Uint8Array(next))).toEqual({ linkType, frames: expected })
      }),
      { seed: 81 },
    )
  })

  it('a comment longer than the format can hold is cut and the file stays readable', () => {
    const frame = { data: Uint8Array.of(1), originalLength: 1, timestampNs: 1n, comment: 'x'.repeat(70_000) }
    const file = Buffer.concat([pcapngHeader(), pcapngPacket(frame), pcapngPacket(frame)])
    expect(readCapture(new Uint8Array(file)).frames).toHaveLength(2)
  })

  it('pcapng has the bytes that the format asks for', () => {
    const frame = { data: Uint8Array.of(7, 8, 9), originalLength: 60, timestampNs: units, comment: 'hi' }
    expect([...pcapngPacket(frame)]).toEqual(
      block(true, 6, [
        ...fields(true, [4, 0], [4, 0x15], [4, 1], [4, 3], [4, 60]),
        ...[7, 8, 9, 0],
        ...fields(true, [2, 1], [2, 2]),
        ...[0x68, 0x69, 0, 0],
        ...[0, 0, 0, 0],
      ]),
    )
    const resolution = [...fields(true, [2, 9], [2, 1]), 9, 0, 0, 0, 0, 0, 0, 0]
    const head = section(true)
    const empty = block(true, 0x0a0d0d0a, [...head.slice(8, -4), 0, 0, 0, 0])
    expect([...pcapngHeader()]).toEqual([...empty, ...description(true, 1, 0, resolution)])
  })
})
