import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flowHash, frameFlow } from '../../../../sidecar/frame/flow.ts'
import { emptyParsedFrame, parseFrame } from '../../../../wire/parse.ts'
import { byte, bytesOf, frameSpec } from '../../../support/arbitraries.ts'
import { buildFrame, destinationV6, type FrameSpec, guard, place, sourceV6 } from '../../../support/frames.ts'

const parsed = emptyParsedFrame()

function hashOf(bytes: readonly number[]): number {
  const { memory, at, length } = place(bytes)
  parseFrame(memory, at, length, parsed)
  return flowHash(memory, at, length, parsed)
}

function reverse(spec: FrameSpec): FrameSpec {
  return {
    ...spec,
    source: spec.destination,
    destination: spec.source,
    sourcePort: spec.destinationPort,
    destinationPort: spec.sourcePort,
  }
}

/** An IPv4 packet made a fragment with this offset (in units of 8 bytes). */
function fragment(bytes: readonly number[], offset: number, more: boolean): number[] {
  const result = [...bytes]
  result[20] = more ? 0x20 : 0
  result[21] = offset
  return result
}

describe('flowHash', () => {
  it('is the same for both directions, a signed 32-bit integer', () => {
    fc.assert(
      fc.property(frameSpec(20), (random) => {
        const spec = { ...random, extensions: random.extensions.filter((name) => name !== 'routing') }
        const hash = hashOf(buildFrame(spec).bytes)
        expect(hash).toBe(hashOf(buildFrame(reverse(spec)).bytes))
        expect((hash | 0) === hash).toBe(true)
      }),
      { numRuns: 300, seed: 40 },
    )
  })

  it('is the same wherever in memory the frame stands', () => {
    const { bytes } = buildFrame({})
    const hashes = [0, 1, 2, 3].map((alignment) => {
      const { memory, at, length } = place(bytes, alignment)
      parseFrame(memory, at, length, parsed)
      return flowHash(memory, at, length, parsed)
    })
    expect(new Set(hashes).size).toBe(1)
  })

  it('depends on addresses, ports and protocol, and on nothing else of the packet', () => {
    const base = hashOf(buildFrame({}).bytes)
    for (const changes of [
      { sourcePort: 40001 },
      { destinationPort: 444 },
      { source: [10, 0, 0, 3] },
      { destination: [11, 0, 0, 2] },
      { protocol: 17 as const },
      { sourcePort: 443, destinationPort: 40000 },
    ]) {
      expect(hashOf(buildFrame(changes).bytes)).not.toBe(base)
    }
    for (const changes of [
      { sequence: 5, flags: 1, payload: [1, 2], identification: 9 },
      { tags: [{ tpid: 0x8100, tci: 3 }] },
      { ipOptions: [1, 1, 1, 1], tcpOptions: [1, 1, 1, 0] },
    ]) {
      expect(hashOf(buildFrame(changes).bytes)).toBe(base)
    }
  })

  it('given fragments of one packet, first and later, is the same for all, whatever stands where ports would', () => {
    const first = hashOf(fragment(buildFrame({ protocol: 17, payload: [1] }).bytes, 0, true))
    const later = hashOf(fragment(buildFrame({ protocol: 17, sourcePort: 7, payload: [1] }).bytes, 4, true))
    const last = hashOf(fragment(buildFrame({ protocol: 17, sourcePort: 8, payload: [1] }).bytes, 8, false))
    expect([later, last]).toEqual([first, first])
  })

  it('given IPv6 fragments that name different next headers, is the same for all', () => {
    const spec = { version: 6, source: sourceV6, destination: destinationV6, protocol: 17, payload: [1, 2] } as const
    const first = [...buildFrame({ ...spec, extensions: ['atomicFragment', 'destination'] }).bytes]
    const later = [...first]
    first[14 + 40 + 3] = 1
    later[14 + 40 + 3] = 0x10
    expect(hashOf(first)).toBe(hashOf(later))
  })

  it('given what is not IP, hashes the MAC addresses and the EtherType', () => {
    const a = [2, 0, 0, 0, 0, 1]
    const b = [2, 0, 0, 0, 0, 2]
    const arp = hashOf([...a, ...b, 8, 6, 1, 2, 3])
    expect(hashOf([...b, ...a, 8, 6, 9, 9, 9])).toBe(arp)
    expect(hashOf([...b, ...a, 0x88, 0xcc, 9, 9, 9])).not.toBe(arp)
    expect(hashOf([...b, ...b, 8, 6, 9, 9, 9])).not.toBe(arp)
  })

  it.each([
    ['a port that counts up', (i: number) => ({ sourcePort: 1024 + i })],
    ['an address that counts up', (i: number) => ({ source: [10, 1, i >> 8, i & 0xff] })],
    [
      'addresses that mirror each other',
      (i: number) => ({ source: [10, 1, 0, i & 0xff], destination: [10, 1, i >> 8, 0] }),
    ],
    [
      'an IPv6 address that counts up',
      (i: number) => ({
        version: 6 as const,
        source: [...sourceV6.slice(0, 14), i >> 8, i & 0xff],
        destination: destinationV6,
      }),
    ],
  ])('given %s, spreads evenly over buckets by low bits, by high bits and by remainder', (_name, changes) => {
    const count = 8192
    const hashes = Array.from({ length: count }, (_, i) => hashOf(buildFrame(changes(i)).bytes))
    const ways: [number, (hash: number) => number][] = [
      [32, (hash) => hash & 31],
      [32, (hash) => hash >>> 27],
      [7, (hash) => (hash >>> 0) % 7],
    ]
    for (const [buckets, bucketOf] of ways) {
      const fill = new Array<number>(buckets).fill(0)
      for (const hash of hashes) fill[bucketOf(hash)]!++
      const mean = count / buckets
      // Six standard deviations of a fair throw.
      const limit = 6 * Math.sqrt(mean)
      for (const n of fill) expect(Math.abs(n - mean)).toBeLessThan(limit)
    }
    expect(new Set(hashes).size).toBeGreaterThan(count - 20)
  })

  it('given a frame cut anywhere, reads nothing past it, and without ports hashes the addresses', () => {
    const whole = buildFrame({}).bytes
    for (let length = 0; length <= whole.length; length++) {
      const placed = place(whole.slice(0, length))
      const { memory, outside } = guard(placed)
      parseFrame(memory, placed.at, length, parsed)
      const hash = flowHash(memory, placed.at, length, parsed)
      expect(outside, `${length} bytes`).toEqual([])
      if (length >= 34) expect(hash === hashOf(whole)).toBe(length >= 38)
    }
  })

  it('given any bytes at all, reads nothing outside the frame', () => {
    fc.assert(
      fc.property(bytesOf(0, 80), fc.constantFrom([], [0x08, 0], [0x86, 0xdd], [0x81, 0]), (bytes, type) => {
        bytes.splice(12, type.length, ...type)
        const placed = place(bytes)
        const { memory, outside } = guard(placed)
        parseFrame(memory, placed.at, placed.length, parsed)
        flowHash(memory, placed.at, placed.length, parsed)
        expect(outside).toEqual([])
      }),
      { numRuns: 500, seed: 41 },
    )
  })
})

describe('frameFlow', () => {
  /** Frames of the plain kind, whole or with any byte of their headers changed, and of every other. */
  const nearlyPlain = fc
    .record({
      spec: fc.oneof(frameSpec(20), frameSpec(20).map(madePlain)),
      change: fc.option(fc.tuple(fc.nat({ max: 40 }), byte)),
      cut: fc.option(fc.nat({ max: 60 })),
    })
    .map(({ spec, change, cut }) => {
      const bytes = [...buildFrame(spec).bytes]
      if (change !== null && change[0] < bytes.length) bytes[change[0]] = change[1]
      return bytes.slice(0, cut ?? bytes.length)
    })

  function madePlain(spec: FrameSpec): FrameSpec {
    return {
      ...spec,
      version: 4,
      tags: [],
      ipOptions: [],
      extensions: [],
      source: [10, 0, 0, 1],
      destination: [10, 0, 1, 2],
    }
  }

  it('given any frame, wherever it stands, is what flowHash makes of it, and reads nothing outside', () => {
    fc.assert(
      fc.property(nearlyPlain, fc.nat({ max: 3 }), (bytes, alignment) => {
        const placed = place(bytes, alignment)
        const { memory, outside } = guard(placed)
        expect(frameFlow(memory, placed.at, placed.length, parsed)).toBe(hashOf(bytes))
        expect(outside).toEqual([])
      }),
      { numRuns: 3000, seed: 42 },
    )
  })

  it.each([
    ['TCP over IPv4', {}, false],
    ['UDP over IPv4', { protocol: 17 as const }, false],
    ['a VLAN tag', { tags: [{ tpid: 0x8100, tci: 5 }] }, true],
    ['IPv4 options', { ipOptions: [1, 1, 1, 1] }, true],
    ['IPv6', { version: 6 as const, source: sourceV6, destination: destinationV6 }, true],
  ])('given %s, walks its headers only where it must', (_, changes, walks) => {
    const { memory, at, length } = place(buildFrame(changes).bytes)
    parsed.l3 = -1
    frameFlow(memory, at, length, parsed)
    expect(parsed.l3 !== -1).toBe(walks)
  })
})
