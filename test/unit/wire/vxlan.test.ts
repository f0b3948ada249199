import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyVxlan, maxVni, parseVxlan, vxlanHeaderLength, writeVxlanHeader } from '../../../wire/vxlan.ts'
import { bytesAt, canariesAlive, guard, place } from '../../support/frames.ts'

describe('the VXLAN header', () => {
  it.each([
    [0, [0x08, 0, 0, 0, 0, 0, 0, 0]],
    [1, [0x08, 0, 0, 0, 0, 0, 1, 0]],
    [0x123456, [0x08, 0, 0, 0, 0x12, 0x34, 0x56, 0]],
    [maxVni, [0x08, 0, 0, 0, 0xff, 0xff, 0xff, 0]],
  ])('given VNI %i, is written as RFC 7348 has it, every byte', (vni, bytes) => {
    for (const alignment of [0, 1, 2]) {
      const { memory, at } = place(new Array(vxlanHeaderLength).fill(0xa5), alignment)
      writeVxlanHeader(memory, at, vni)
      expect(bytesAt(memory, at, vxlanHeaderLength)).toEqual(bytes)
      expect(canariesAlive(memory, at, vxlanHeaderLength)).toBe(true)
    }
  })

  it('is taken apart into all its fields', () => {
    const { memory, at } = place([0x88, 1, 2, 3, 0xfe, 0xdc, 0xba, 0x98])
    const header = emptyVxlan()
    expect(parseVxlan(memory, at, 8, header)).toBe(true)
    expect(header).toEqual({ flags: 0x88, reserved: 0x010203, vni: 0xfedcba, reservedAfterVni: 0x98 })
  })

  it('read back is what was written', () => {
    fc.assert(
      fc.property(fc.nat({ max: maxVni }), (vni) => {
        const { memory, at } = place(new Array(8).fill(0xff))
        const header = emptyVxlan()
        writeVxlanHeader(memory, at, vni)
        parseVxlan(memory, at, 8, header)
        expect(header).toEqual({ flags: 8, reserved: 0, vni, reservedAfterVni: 0 })
      }),
      { seed: 60 },
    )
  })

  it('given fewer than 8 bytes, is refused, and nothing of an earlier header stays in the record', () => {
    for (let length = 0; length < vxlanHeaderLength; length++) {
      const placed = place(new Array(length).fill(0xff))
      const { memory, outside } = guard(placed)
      const header = { flags: 1, reserved: 2, vni: 3, reservedAfterVni: 4 }
      expect(parseVxlan(memory, placed.at, length, header)).toBe(false)
      expect(header).toEqual(emptyVxlan())
      expect(outside).toEqual([])
    }
  })
})
