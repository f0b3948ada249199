import { describe, expect, it } from 'vitest'
import { notHost } from '../../../bench/kernel-mirror.ts'

describe('the filter of the kernel mirror', () => {
  it("is classic BPF in tc's notation that refuses both directions of one host", () => {
    const [count, ...lines] = notHost('10.88.1.12').split(',')
    const host = 10 * 2 ** 24 + 88 * 2 ** 16 + 2 ** 8 + 12
    expect(lines.length).toBe(Number(count))
    const run = (frame: Readonly<Record<number, number>>): number => {
      let loaded = 0
      for (let at = 0; ; at++) {
        const [operation = 0, yes = 0, no = 0, operand = 0] = (lines[at] ?? '').split(' ').map(Number)
        if (operation === 6) return operand
        if (operation === 0x15) at += loaded === operand ? yes : no
        else loaded = frame[operand] ?? 0
      }
    }
    const other = 0x0a000001
    expect(run({ 12: 0x0800, 26: host, 30: other })).toBe(0)
    expect(run({ 12: 0x0800, 26: other, 30: host })).toBe(0)
    expect(run({ 12: 0x0800, 26: other, 30: other })).toBe(0xffffffff)
    expect(run({ 12: 0x86dd, 26: host, 30: host })).toBe(0xffffffff)
  })
})
