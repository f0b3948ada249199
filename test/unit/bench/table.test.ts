import { describe, expect, it } from 'vitest'
import { blocks, painted, plain, rows, verdictLines } from '../../../bench/table.ts'
import { cell, results } from './samples.ts'

const key = 'http/spare'
const all = results(
  cell('none', key, { rate: 200, p99Ms: 2, residentMb: 0, checked: 0, good: 0, share: 0, mirrored: 0 }),
  cell('libpcap', key, { rate: 100, p99Ms: 3, share: 0.5, lost: 500, good: 0 }, { rate: 120, p99Ms: 3, share: 0.75 }),
  cell('tc-mirred', key, { rate: 150, p99Ms: 3, residentMb: 0 }),
)

describe('the table of a workload', () => {
  it('has a row for each contestant, by its title', () => {
    expect(rows(all, key).map(({ contestant }) => contestant)).toEqual(['the none', 'the libpcap', 'the tc-mirred'])
  })

  it('shows no tap as it is, and others as ratios to it within a run', () => {
    const [none, plainTap] = rows(all, key)
    expect(none).toMatchObject({ rate: '200 requests/s', kept: '-', p99: '2.00 ms', mirrored: '-', checksums: '-' })
    expect(plainTap).toMatchObject({
      kept: '0.50',
      p99: '1.50 x',
      mirrored: '62.5 (50.0..75.0) %',
      checksums: '50.0 %',
    })
  })

  it('shows neither CPU nor memory of what has no process', () => {
    expect(rows(all, key)[2]).toMatchObject({ cpuPerFrame: '-', resident: '-' })
  })

  it('says where a tap did not live to the end', () => {
    const dead = results(cell('netsniff-ng', key, { ended: 'ended with SIGSEGV' }))
    expect(rows(dead, key)[0]?.contestant).toBe('the netsniff-ng (died)')
  })
})

describe('the output', () => {
  it('has columns of one width each, and no colours unless asked for', () => {
    const lines = blocks(all, plain).split('\n')
    expect(lines[0]).toBe('HTTP keep-alive, 1 KB; generator and application on core 0, the tap on core 1')
    expect(new Set(lines.slice(1, 5).map((line) => line.length)).size).toBe(1)
    expect(blocks(all, plain)).not.toContain('\x1b')
    expect(blocks(all, painted)).toContain('\x1b[1m')
  })

  it('says of each bar whether it was met', () => {
    const bar = { what: 'loss', bar: 'none', value: '3' }
    const text = verdictLines(
      [
        { ...bar, met: true },
        { ...bar, met: false },
        { ...bar, met: undefined },
      ],
      plain,
    )
    expect(text.split('\n')).toEqual(['met    loss: 3 (none)', 'MISSED loss: 3 (none)', '       loss: 3 (none)'])
  })
})
