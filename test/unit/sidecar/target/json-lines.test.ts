import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonLines } from '../../../../sidecar/target/json-lines.ts'

describe('JSON lines', () => {
  it('given any values cut into chunks anywhere, then come out as they went in', () => {
    const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 8 }), cuts, (values, sizes) => {
        const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
        const lines = new JsonLines(1 << 20)
        const out: unknown[] = []
        let at = 0
        for (const size of [...sizes, bytes.length]) {
          out.push(...lines.push(bytes.subarray(at, at + size)))
          at += size
        }
        expect(out).toEqual(values.map((value) => JSON.parse(JSON.stringify(value)) as unknown))
      }),
      { seed: 7, numRuns: 200 },
    )
  })

  it('keeps an unfinished line, and passes over empty ones', () => {
    const lines = new JsonLines(100)
    expect([...lines.push(Buffer.from('{"a"'))]).toEqual([])
    expect([...lines.push(Buffer.from(':1}\n\r\n\n2\n3'))]).toEqual([{ a: 1 }, 2])
  })

  it('refuses a line that is not JSON', () => {
    expect(() => [...new JsonLines(100).push(Buffer.from('<html>\n'))]).toThrow(SyntaxError)
  })

  it('refuses a line above the bound, before it has ended', () => {
    const lines = new JsonLines(10)
    expect([...lines.push(Buffer.from('12345'))]).toEqual([])
    expect(() => [...lines.push(Buffer.from('678901'))]).toThrow('longer than 10 bytes')
  })
})
