import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { annotationSettings } from '../../../contract/annotations.ts'
import { notForPolicies, policyPatterns, rangePattern } from '../../../contract/policy-patterns.ts'

describe('given the range of a number', () => {
  it.each([
    [0, 9],
    [0, 10],
    [1, 100],
    [64, 65535],
    [7, 12345],
    [0, 99],
    [100, 999],
    [5, 5],
  ])('when it is %i to %i, then exactly its numbers match', (min, max) => {
    const range = new RegExp(`^(${rangePattern(min, max)})$`)
    for (let number = 0; number <= Math.min(max * 2, 70_000); number++) {
      if (range.test(String(number)) !== (number >= min && number <= max)) expect.fail(String(number))
    }
    expect(range.test('')).toBe(false)
    expect(range.test(`0${max}`)).toBe(false)
  })

  it('when any bounds are taken, then a number matches if and only if it is within', () => {
    const number = fc.integer({ min: 0, max: 20_000_000 })
    fc.assert(
      fc.property(number, number, number, (one, other, probe) => {
        const [min, max] = [Math.min(one, other), Math.max(one, other)]
        const range = new RegExp(`^(${rangePattern(min, max)})$`)
        for (const value of [probe, min, max, min - 1, max + 1].filter((candidate) => candidate >= 0)) {
          expect(range.test(String(value))).toBe(value >= min && value <= max)
        }
      }),
      { seed: 7 },
    )
  })
})

describe('given what a policy accepts of an annotation', () => {
  const all = Object.entries(policyPatterns)

  it('when annotations are listed, then a policy knows all but the choice that it does not have', () => {
    const unknown = [...annotationSettings.keys()].filter((name) => !Object.hasOwn(policyPatterns, name))
    expect(unknown).toEqual(['native-sidecar'])
    expect(all.filter(([name]) => !annotationSettings.has(name))).toEqual([])
  })

  it.each(all)('when any text matches the pattern of %s, then its parser accepts it', (name, pattern) => {
    const setting = annotationSettings.get(name)!
    fc.assert(
      fc.property(fc.stringMatching(new RegExp(pattern)), (text) => {
        expect(setting.parse(text).ok, JSON.stringify(text)).toBe(true)
      }),
      { seed: 11, numRuns: 300 },
    )
  })

  it.each(all)('when the example and the default of %s are taken, then its pattern matches them', (name, pattern) => {
    const setting = annotationSettings.get(name)!
    const texts = [name === 'filter' ? 'not port 443' : setting.example, setting.default ?? setting.example]
    for (const text of texts) expect(text).toMatch(new RegExp(pattern))
  })

  it.each(all)('when %s is one of a few words, then its pattern matches each of them', (name, pattern) => {
    const { allowed, parse } = annotationSettings.get(name)!
    const words = allowed.split(/,? or |, /).filter((word) => /^[a-z]+$/.test(word) && parse(word).ok)
    const left = notForPolicies[name]
    expect(words.filter((word) => !new RegExp(pattern).test(word))).toEqual(left === undefined ? [] : [left])
  })

  it.each(all)('when %s is read, then Go’s RE2 can: no look-around, no count above 1000', (_name, pattern) => {
    expect(pattern).not.toMatch(/\(\?|\\[1-9]/)
    const counts = [...pattern.matchAll(/\{(?:\d+,)?(\d+)\}/g)].map((match) => Number(match[1]))
    expect(Math.max(0, ...counts)).toBeLessThanOrEqual(1000)
  })
})
