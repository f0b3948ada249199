import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inferVirtio } from '../../../../sidecar/frame/infer.ts'
import { emptyVirtio, type VirtioHeader } from '../../../../wire/virtio.ts'
import { bytesOf, frameSpec } from '../../../support/arbitraries.ts'
import { buildFrame, destinationV6, guard, place, sourceV6 } from '../../../support/frames.ts'

function infer(bytes: readonly number[], mtu = 1500): VirtioHeader {
  const { memory, at, length } = place(bytes)
  const virtio = { flags: 9, gsoType: 9, ecn: false, headerLength: 9, gsoSize: 9, csumStart: 9, csumOffset: 9 }
  inferVirtio(memory, at, length, mtu, virtio)
  return virtio
}

describe('inferVirtio', () => {
  it('given a partial checksum, says where it is to be completed', () => {
    fc.assert(
      fc.property(frameSpec(100), (spec) => {
        const frame = buildFrame({ ...spec, checksum: 'partial' })
        expect(infer(frame.bytes)).toEqual({
          ...emptyVirtio(),
          flags: 1,
          csumStart: frame.l4,
          csumOffset: spec.protocol === 6 ? 16 : 6,
        })
      }),
      { seed: 50 },
    )
  })

  it('given a right checksum, a wrong one or none, says nothing', () => {
    for (const protocol of [6, 17] as const) {
      for (const checksum of ['complete', 0xbad, 0] as const) {
        expect(infer(buildFrame({ protocol, checksum, payload: [1, 2, 3] }).bytes)).toEqual(emptyVirtio())
      }
    }
  })

  it('given a partial checksum in a frame that was captured only in part, still sees it', () => {
    const frame = buildFrame({ payload: new Array(400).fill(3), checksum: 'partial' })
    expect(infer(frame.bytes.slice(0, 128)).flags).toBe(1)
  })

  it('given a fragment whose first bytes look like a partial checksum, says nothing', () => {
    const bytes = [...buildFrame({ protocol: 17, payload: [1], checksum: 'partial' }).bytes]
    bytes[20] = 0x20
    expect(infer(bytes)).toEqual(emptyVirtio())
  })

  it.each([
    ['IPv4', {}, 1, 1500 - 20 - 20],
    ['IPv4 with TCP timestamps', { tcpOptions: new Array(12).fill(1) }, 1, 1448],
    ['IPv6', { version: 6, source: sourceV6, destination: destinationV6 }, 4, 1440],
    ['a VLAN tag', { tags: [{ tpid: 0x8100, tci: 1 }] }, 1, 1460],
  ] as const)(
    'given a TCP super-frame (%s), takes the segment size that the MTU leaves',
    (_name, changes, type, size) => {
      const frame = buildFrame({ ...changes, payload: new Array(5000).fill(7), checksum: 'partial' })
      expect(infer(frame.bytes)).toEqual({
        flags: 1,
        gsoType: type,
        ecn: true,
        headerLength: frame.headerLength,
        gsoSize: size,
        csumStart: frame.l4,
        csumOffset: 16,
      })
    },
  )

  it('given a super-frame with a jumbo header, which its segments lack, takes the size of a segment without it', () => {
    const v6 = { version: 6, source: sourceV6, destination: destinationV6, extensions: ['jumbo'] } as const
    expect(infer(buildFrame({ ...v6, payload: new Array(70_000).fill(7) }).bytes)).toMatchObject({ gsoSize: 1440 })
  })

  it('given a frame of exactly the MTU, or a UDP frame above it, leaves it whole', () => {
    expect(infer(buildFrame({ payload: new Array(1460).fill(1) }).bytes).gsoType).toBe(0)
    expect(infer(buildFrame({ payload: new Array(1461).fill(1) }).bytes).gsoType).toBe(1)
    expect(infer(buildFrame({ protocol: 17, payload: new Array(3000).fill(1) }).bytes).gsoType).toBe(0)
  })

  it('given an MTU that no TCP header fits, leaves the frame whole', () => {
    expect(infer(buildFrame({ payload: new Array(100).fill(1) }).bytes, 40)).toEqual(emptyVirtio())
  })

  it('given any bytes at all, reads nothing outside the frame', () => {
    fc.assert(
      fc.property(frameSpec(30), bytesOf(0, 8), fc.nat({ max: 150 }), (spec, noise, cut) => {
        const bytes = [...buildFrame({ ...spec, checksum: 'partial' }).bytes]
        for (const [i, value] of noise.entries()) bytes[14 + ((i * 29 + value) % 60)] = value
        const placed = place(bytes.slice(0, cut))
        const { memory, outside } = guard(placed)
        inferVirtio(memory, placed.at, placed.length, 40, emptyVirtio())
        expect(outside).toEqual([])
      }),
      { numRuns: 500, seed: 51 },
    )
  })
})
