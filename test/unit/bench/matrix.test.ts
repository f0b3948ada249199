import { describe, expect, it } from 'vitest'
import { allCells, cellKey, pinning, placements, select, workloads } from '../../../bench/matrix.ts'

const contestants = ['none', 'libpcap', 'vxtap-gso']
const keys = (only: string, quick = false): string[] =>
  select({ only, quick }, contestants).cells.map((cell) => cellKey(cell.workload.name, cell.placement))

describe('the selection', () => {
  it('given nothing, is the usual cells, all of those of a quick run among them, and every contestant', () => {
    const usual = keys('')
    const quick = keys('', true)
    expect(usual.length).toBeGreaterThan(quick.length)
    expect(quick.filter((key) => !usual.includes(key))).toEqual([])
    expect(select({ only: '', quick: false }, contestants).contestants).toEqual(contestants)
  })

  it('given a contestant, is that one and no tap, under the usual cells', () => {
    expect(select({ only: 'vxtap-gso', quick: true }, contestants).contestants).toEqual(['none', 'vxtap-gso'])
    expect(keys('vxtap-gso', true)).toEqual(keys('', true))
  })

  it('given a workload, is it in every placement, those that a whole run leaves out included', () => {
    expect(keys('udp-512-240k')).toEqual(['udp-512-240k/spare', 'udp-512-240k/shared', 'udp-512-240k/quota'])
  })

  it('given a placement, is the usual workloads there', () => {
    expect(keys('quota')).toEqual(keys('').filter((key) => key.endsWith('/quota')))
  })

  it('given a workload and a placement, is where both meet; given both as one word, that alone', () => {
    expect(keys('http,shared')).toEqual(['http/shared'])
    expect(keys('http/shared,tcp/spare')).toEqual(['http/shared', 'tcp/spare'])
  })

  it('given a name that nothing has, is refused in a sentence that lists the names', () => {
    expect(() => keys('http,gso')).toThrow(
      /ONLY=http,gso: nothing is named gso; contestants are none, libpcap, vxtap-gso;/,
    )
  })
})

describe('the matrix', () => {
  it('has every workload in every placement, once', () => {
    expect(allCells.length).toBe(workloads.length * Object.keys(placements).length)
    expect(new Set(allCells.map((cell) => cellKey(cell.workload.name, cell.placement))).size).toBe(allCells.length)
  })

  it.each(['udp', 'http', 'tcp'] as const)('gives the tap of %s a core of its own on a spare one', (kind) => {
    const { client, app, tap } = pinning(kind, 'spare')
    expect([...client, ...app].filter((core) => tap.includes(core))).toEqual([])
  })

  it.each(['udp', 'http', 'tcp'] as const)('gives the tap of %s no core of its own on shared ones', (kind) => {
    const { client, app, tap } = pinning(kind, 'shared')
    expect(tap.filter((core) => ![...client, ...app].includes(core))).toEqual([])
  })

  it('limits CPU time under quota and nowhere else', () => {
    for (const kind of ['udp', 'http', 'tcp'] as const) {
      expect(pinning(kind, 'quota').quota).toBe(0.25)
      expect([pinning(kind, 'spare').quota, pinning(kind, 'shared').quota]).toEqual([undefined, undefined])
    }
  })
})
