import { describe, expect, it } from 'vitest'
import type { Comparison, Frame } from '../../../demo/compare/compare.ts'
import { type Findings, verdictOf } from '../../../demo/verdict.ts'

const frame = (timeMs: number): Frame => ({ bytes: new Uint8Array(60), timeMs })
const nothing: Comparison = {
  frames: 0,
  superFrames: 0,
  largest: 0,
  tunnelFrames: 0,
  expected: 0,
  matched: 0,
  missing: [],
  faulty: [],
  duplicates: [],
  reordered: 0,
}
const clean: Comparison = { ...nothing, frames: 100, expected: 120, matched: 120 }
const findings = (tcp: Comparison, more: Partial<Findings> = {}): Findings => ({
  comparisons: new Map([['TCP', tcp]]),
  gap: undefined,
  lostByCapture: 0,
  dropped: {},
  unaccounted: 0,
  unsent: 0,
  refusedBySensors: 0,
  ...more,
})

describe('the verdict', () => {
  it('has nothing to say against a comparison without findings', () => {
    expect(verdictOf(findings(clean)).problems).toEqual([])
  })

  it.each<[string, Findings]>([
    ['a missing frame', findings({ ...clean, missing: [frame(5)] })],
    ['a faulty frame', findings({ ...clean, faulty: [frame(5)] })],
    ['a duplicate', findings({ ...clean, duplicates: [frame(5)] })],
    ['frames that dumpcap lost', findings(clean, { lostByCapture: 1 })],
    ['a drop with any other reason than no_sensor', findings(clean, { dropped: { ring_full: 1 } })],
    ['a drop that no missing frame explains', findings(clean, { dropped: { no_sensor: 1 } })],
    ['a datagram that the sensor refused', findings(clean, { refusedBySensors: 1 })],
    ['a frame of the file that was not sent', findings(clean, { unsent: 1 })],
    ['a frame that the sidecar lost count of', findings(clean, { unaccounted: 1 })],
    ['nothing compared at all', findings(nothing)],
  ])('is against %s', (_, given) => {
    expect(verdictOf(given).problems).toHaveLength(1)
  })

  it('tells the order, without being against it', () => {
    const verdict = verdictOf(findings({ ...clean, reordered: 3 }))
    expect(verdict).toMatchObject({ reordered: 3, problems: [] })
  })
})

describe('the gap at a replacement', () => {
  const gap = { from: 1000, to: 1400 }
  const lost = { ...clean, matched: 117, missing: [frame(1010), frame(1200), frame(1390)] }

  it('accepts the frames that are missing in it, when the sidecar counted as many', () => {
    const verdict = verdictOf(findings(lost, { gap, dropped: { no_sensor: 3 } }))
    expect(verdict.problems).toEqual([])
    expect(verdict.replacement).toBe('380 ms, 3 frames; the sidecar counted 3 as no_sensor')
    expect(verdict.table[1]?.split(/ {2,}/)).toEqual(['TCP', '120', '117', '3', '0', '0', '0'])
  })

  it('does not accept more or fewer than the sidecar counted', () => {
    for (const counted of [2, 4]) {
      expect(verdictOf(findings(lost, { gap, dropped: { no_sensor: counted } })).problems).toHaveLength(1)
    }
  })

  it('does not accept a frame from outside of it', () => {
    const outside = { ...lost, missing: [...lost.missing, frame(1401)] }
    expect(verdictOf(findings(outside, { gap, dropped: { no_sensor: 3 } })).problems).toEqual([
      'frames missing at the sensor: 1',
    ])
  })
})
