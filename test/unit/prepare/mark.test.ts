import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { marked, markedProgram, unmarked } from '../../../prepare/mark.ts'

const words = fc.stringMatching(/^[a-z]{1,8}( [a-z=0-9]{1,8}){0,4}$/)
const id = fc.integer({ min: 1, max: 0x7fff_ffff })

describe("the mark in an interface's alias", () => {
  it('is read back, and taken off without a trace, whatever was there before', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constant(''), words), id, (alias, program) => {
        const both = marked(alias, program)!
        expect(markedProgram(both)).toBe(program)
        expect(unmarked(both)).toBe(alias)
      }),
      { seed: 1 },
    )
  })

  it('is replaced and not repeated', () => {
    expect(marked('uplink vxtap-xdp=41', 42)).toBe('uplink vxtap-xdp=42')
  })

  it('is not seen in anything that only resembles it', () => {
    for (const alias of ['', 'vxtap', 'vxtap-xdp=', 'vxtap-xdp=0', 'vxtap-xdp=4x', 'myvxtap-xdp=4', 'a;vxtap-xdp=4']) {
      expect(markedProgram(alias)).toBeUndefined()
    }
  })

  it('does not fit where the kernel would refuse the alias (255 bytes)', () => {
    expect(marked('x'.repeat(255 - ' vxtap-xdp=1'.length), 1)).toHaveLength(255)
    expect(marked('x'.repeat(256 - ' vxtap-xdp=1'.length), 1)).toBeUndefined()
    expect(marked('é'.repeat(125), 1)).toBeUndefined()
  })
})
