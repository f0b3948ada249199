import { describe, expect, it } from 'vitest'
import { checksums, cpuPerFrame, figure, problemsOf, rate, ratio } from '../../../bench/results.ts'
import { cell, results } from './samples.ts'

describe('what is derived from samples', () => {
  it('is CPU for each frame of the wire that was mirrored, however many datagrams that took', () => {
    const half = cell('a', 'tcp/spare', { offered: 2000, share: 0.5, mirrored: 30, tapCpuSeconds: 0.01 })
    expect(figure(half, cpuPerFrame)?.median).toBeCloseTo(10)
  })

  it('is nothing where nothing was mirrored', () => {
    expect(figure(cell('a', 'tcp/spare', { share: 0 }), cpuPerFrame)).toBeUndefined()
    expect(figure(undefined, cpuPerFrame)).toBeUndefined()
  })

  it('is a ratio within each run, of which the median is taken', () => {
    const mine = cell('a', 'http/spare', { rate: 50 }, { rate: 90 }, { rate: 40 })
    const theirs = cell('none', 'http/spare', { rate: 100 }, { rate: 100 }, { rate: 50 })
    expect(ratio(mine, theirs, rate)).toEqual({ median: 0.8, min: 0.5, max: 0.9 })
  })

  it('leaves out a run that only one of both has', () => {
    const mine = cell('a', 'http/spare', { rate: 50 }, { rate: 90 })
    expect(ratio(mine, cell('none', 'http/spare', { rate: 100 }), rate)).toEqual({ median: 0.5, min: 0.5, max: 0.5 })
  })

  it.each([{ share: 0 }, { ended: 'ended with SIGSEGV' }])('is no ratio where a run of either has %j', (over) => {
    const right = cell('a', 'http/spare', {}, {}, {})
    const wrong = cell('b', 'http/spare', {}, over, {})
    expect(ratio(right, right, cpuPerFrame)?.median).toBe(1)
    expect(ratio(right, wrong, cpuPerFrame)).toBeUndefined()
    expect(ratio(wrong, right, cpuPerFrame)).toBeUndefined()
  })

  it('adds up the checksums of all runs', () => {
    expect(checksums(cell('a', 'tcp/spare', { checked: 5, good: 4 }, { checked: 7, good: 7 }))).toEqual({
      checked: 12,
      good: 11,
    })
  })
})

describe('the form of the results', () => {
  it('is right after a way through JSON', () => {
    expect(problemsOf(JSON.parse(JSON.stringify(results(cell('a', 'tcp/spare', {})))))).toEqual([])
  })

  it.each([
    [{ rate: Number.NaN }, 'rate is NaN'],
    [{ lost: -1 }, 'lost is -1'],
    [{ own: { captured: 1, sent: Number.NaN, dropped: 0 } }, 'own sent is NaN'],
    [{ share: 1.2 }, 'share is above 1'],
    [{ checked: 1, good: 2 }, 'more checksums good than checked'],
  ])('is wrong given %j', (over, sentence) => {
    expect(problemsOf(results(cell('a', 'tcp/spare', over)))).toEqual([`a tcp/spare: ${sentence}`])
  })

  it('is wrong without samples, with a contestant that was none, or without a date', () => {
    expect(problemsOf(results(cell('a', 'tcp/spare')))).toEqual(['a tcp/spare has no samples'])
    expect(problemsOf({ ...results(cell('a', 'tcp/spare', {})), contestants: [] })).toEqual([
      'a is not among the contestants',
    ])
    expect(problemsOf({ ...results(), date: '' })).toEqual(['date is not a text'])
  })
})
