import { describe, expect, it } from 'vitest'
import { replayable } from '../../../demo/replay.ts'

const frame = (length: number) => ({ data: new Uint8Array(length), originalLength: length, timestampNs: 0n })
const file = (...lengths: number[]) => ({ linkType: 1, frames: lengths.map(frame) })

describe('what of a capture file can be replayed', () => {
  it('is every frame between an Ethernet header and a jumbo frame; the rest is counted', () => {
    const { capture, tooLong, tooShort } = replayable(file(13, 14, 1514, 9230, 9231))
    expect(capture.frames.map(({ data }) => data.length)).toEqual([14, 1514, 9230])
    expect({ tooLong, tooShort }).toEqual({ tooLong: 1, tooShort: 1 })
  })

  it('sets the MTU that the largest frame needs, and never less than 1500', () => {
    expect(replayable(file(60)).mtu).toBe(1500)
    expect(replayable(file(60, 9014)).mtu).toBe(9000)
  })

  it('is nothing of a file that is not Ethernet, or has no frame to send', () => {
    expect(() => replayable({ ...file(60), linkType: 113 })).toThrow('link type is 113')
    expect(() => replayable(file(13))).toThrow('no frame that can be sent')
  })
})
