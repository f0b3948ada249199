import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { scaleTables } from '../../../bench/scale/tables.ts'

const document = readFileSync(new URL('../../../docs/scale.md', import.meta.url), 'utf8')
const trimmed = (lines: readonly string[]): string[] => lines.map((line) => line.trim()).filter((line) => line !== '')
const tables = trimmed(scaleTables())
const seriesAt = tables.findIndex((line) => line.startsWith('series of a sidecar'))

describe('docs/scale.md', () => {
  it('has the tables that make bench-scale prints', () => {
    const said = new Set(trimmed(document.split('\n')))
    expect(seriesAt).toBeGreaterThan(10)
    expect(tables.slice(0, seriesAt).filter((line) => !said.has(line))).toEqual([])
  })

  it('says how many series a sidecar has', () => {
    const series = /= (\d+)$/.exec(tables[seriesAt + 1] ?? '')?.[1]
    expect(document).toContain(`A sidecar has ${series} series`)
  })
})
