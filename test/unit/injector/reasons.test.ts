import { describe, expect, it } from 'vitest'
import { injectionReasons } from '../../../contract/injection-reasons.ts'
import { handle } from '../../../injector/handle.ts'
import { clusterOf, config, modern, review } from './fixtures.ts'
import { type Case, cases } from './reason-cases.ts'

const answerTo = (test: Case) => {
  const handled = handle(review(test.object, test.request), test.cluster ?? clusterOf(modern), {
    ...config,
    ...test.config,
  })
  if (handled.status !== 200) throw new Error(handled.problem)
  return handled
}

describe('the decision', () => {
  it.each(cases)('given $given: $reason', (test) => {
    const { answer, record, sentence } = answerTo(test)
    const reason = injectionReasons[test.reason]
    expect(record.reason).toBe(test.reason)
    expect(answer.response.allowed).toBe(true)
    expect(answer.response.patch !== undefined).toBe(reason.outcome === 'inject')
    expect(answer.response.warnings?.some((warning) => warning.includes(test.reason)) ?? false).toBe(reason.warn)
    expect(answer.response.auditAnnotations).toEqual({ decision: test.reason, explanation: sentence })
    expect(sentence).toContain(test.says ?? '')
    expect(sentence).not.toMatch(/[{}]/)
  })

  it('has a case for every reason of the catalogue', () => {
    expect(new Set(cases.map((test) => test.reason))).toEqual(new Set(Object.keys(injectionReasons)))
  })
})
