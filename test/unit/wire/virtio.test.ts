import { describe, expect, it } from 'vitest'
import {
  emptyVirtio,
  gsoTcpV4,
  gsoUdpL4,
  readVirtio,
  virtioHeaderLength,
  virtioNeedsCsum,
} from '../../../wire/virtio.ts'
import { guard, place } from '../../support/frames.ts'

describe('readVirtio', () => {
  it('takes apart what a veth gave for a TCP super-frame, at every alignment', () => {
    for (let alignment = 0; alignment < 4; alignment++) {
      const placed = place([1, 1, 66, 0, 0xa8, 0x05, 34, 0, 16, 0], alignment)
      const { memory, outside } = guard(placed)
      const header = emptyVirtio()
      readVirtio(memory, placed.at, header)
      expect(header).toEqual({
        flags: virtioNeedsCsum,
        gsoType: gsoTcpV4,
        ecn: false,
        headerLength: 66,
        gsoSize: 1448,
        csumStart: 34,
        csumOffset: 16,
      })
      expect(outside).toEqual([])
    }
  })

  it('sets every field, and leaves the ECN bit out of the type', () => {
    const header = { flags: 1, gsoType: 1, ecn: true, headerLength: 1, gsoSize: 1, csumStart: 1, csumOffset: 1 }
    const { memory, at } = place(new Array(virtioHeaderLength).fill(0))
    readVirtio(memory, at, header)
    expect(header).toEqual(emptyVirtio())
    memory.u8[at + 1] = 0x85
    readVirtio(memory, at, header)
    expect(header).toMatchObject({ gsoType: gsoUdpL4, ecn: true })
  })
})
