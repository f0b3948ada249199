import { describe, expect, it } from 'vitest'
import { restoreVlanTag } from '../../../../sidecar/frame/vlan.ts'
import { buildFrame, bytesAt, canariesAlive, place } from '../../../support/frames.ts'

describe('restoreVlanTag', () => {
  it.each([
    [0x8100, 0x6064],
    [0x88a8, 0xffff],
    [0x8100, 0],
  ])('given tag %i and control information %i, makes the frame that had them', (tpid, tci) => {
    const stripped = buildFrame({ payload: [1, 2, 3] })
    for (let alignment = 0; alignment < 4; alignment++) {
      const { memory, at, length } = place(stripped.bytes, alignment)
      const start = restoreVlanTag(memory, at, tci, tpid)
      expect(start).toBe(at - 4)
      expect(bytesAt(memory, start, length + 4)).toEqual(
        buildFrame({ tags: [{ tpid, tci }], payload: [1, 2, 3] }).bytes,
      )
      expect(canariesAlive(memory, start, length + 4)).toBe(true)
    }
  })

  it('given a frame with an inner tag left in it, puts the outer one before that', () => {
    const inner = { tpid: 0x8100, tci: 7 }
    const outer = { tpid: 0x88a8, tci: 9 }
    const { memory, at, length } = place(buildFrame({ tags: [inner] }).bytes)
    const start = restoreVlanTag(memory, at, outer.tci, outer.tpid)
    expect(bytesAt(memory, start, length + 4)).toEqual(buildFrame({ tags: [outer, inner] }).bytes)
  })
})
