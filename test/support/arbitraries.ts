/** fast-check arbitraries of frames. */
import fc from 'fast-check'
import { type Extension, type FrameSpec, plainSpec } from './frames.ts'

export const byte = fc.nat({ max: 255 })
export const u16 = fc.nat({ max: 0xffff })

export function bytesOf(minLength: number, maxLength: number): fc.Arbitrary<number[]> {
  return fc.uint8Array({ minLength, maxLength }).map((bytes) => Array.from(bytes))
}

/** Options of 0 to 40 bytes, a multiple of 4. */
const options = fc.nat({ max: 10 }).chain((words) => bytesOf(words * 4, words * 4))

const tag = fc.record({ tpid: fc.constantFrom(0x8100, 0x88a8), tci: u16 })

const extensions: fc.Arbitrary<Extension[]> = fc
  .record({
    first: fc.constantFrom<Extension[]>([], ['jumbo'], ['hopByHop']),
    rest: fc.subarray<Extension>(['destination', 'routing', 'authentication', 'atomicFragment']),
  })
  .map(({ first, rest }) => [...first, ...rest])

/** TCP and UDP, both IP versions, tags, options, extension headers, every flag. */
export function frameSpec(maxPayload: number): fc.Arbitrary<FrameSpec> {
  return fc
    .record({
      tags: fc.array(tag, { maxLength: 2 }),
      version: fc.constantFrom<4 | 6>(4, 6),
      protocol: fc.constantFrom<6 | 17>(6, 17),
      addresses: fc.tuple(bytesOf(16, 16), bytesOf(16, 16)),
      sourcePort: u16,
      destinationPort: u16,
      identification: fc.oneof(u16, fc.constant(0xffff)),
      ipOptions: options,
      extensions,
      sequence: fc.oneof(fc.nat({ max: 2 ** 31 - 1 }), fc.integer({ min: 2 ** 32 - 1000, max: 2 ** 32 - 1 })),
      flags: byte,
      tcpOptions: options,
      payload: bytesOf(0, maxPayload),
      padding: bytesOf(0, 9),
    })
    .map(({ addresses, extensions: list, ...spec }) => {
      const length = spec.version === 4 ? 4 : 16
      const usable = spec.version === 4 ? [] : list.filter((name) => name !== 'jumbo' || spec.protocol === 6)
      return {
        ...plainSpec,
        ...spec,
        source: addresses[0].slice(0, length),
        destination: addresses[1].slice(0, length),
        extensions: usable,
      }
    })
}
