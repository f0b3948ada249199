import { describe, expect, it } from 'vitest'
import { type Observation, type Reading, sampleOf } from '../../../bench/reading.ts'

const reading = (frames: number, crossed: number, tcp = 0): Reading => ({
  arrived: { arrivals: frames, frames, bytes: 0, tcp, good: 0, bad: 0, unknown: 0 },
  crossed,
  cpu: { tap: 0, total: 0 },
  own: undefined,
})
const observation = (over: Partial<Observation>): Observation => ({
  run: 1,
  kind: 'udp',
  result: { rate: 1000, seconds: 1 },
  before: reading(100, 50),
  atEnd: 1100,
  after: reading(1100, 1050),
  residentMb: 0,
  ended: undefined,
  ...over,
})

describe('a sample', () => {
  it('given frames that arrived after the generator had ended, then they count, and are its backlog', () => {
    expect(sampleOf(observation({ atEnd: 870 }))).toMatchObject({ mirrored: 1000, share: 1, backlog: 230 })
    expect(sampleOf(observation({}))).toMatchObject({ backlog: 0 })
  })

  it('given a tap that counts, then its counts are those since before the load', () => {
    const before = { ...reading(100, 50), own: { captured: 7, sent: 5, dropped: 2 } }
    const after = { ...reading(1100, 1050), own: { captured: 1007, sent: 1002, dropped: 5 } }
    expect(sampleOf(observation({ before, after })).own).toEqual({ captured: 1000, sent: 997, dropped: 3 })
    expect(sampleOf(observation({}))).not.toHaveProperty('own')
  })

  it('given TCP, then its share is of the payload, however many pieces that took', () => {
    const half = { kind: 'tcp', result: { rate: 1, seconds: 1, bytes: 8000 }, after: reading(110, 1050, 4000) } as const
    expect(sampleOf(observation(half))).toMatchObject({ offered: 1000, mirrored: 10, share: 0.5, lost: 500 })
  })
})
