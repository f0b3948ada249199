import { describe, expect, it } from 'vitest'
import { handle } from '../../../injector/handle.ts'
import type { Json } from '../../../injector/json.ts'
import type { ClusterFacts, InjectionConfig, NamespaceFacts } from '../../../injector/plan.ts'
import { clusterOf, config } from './fixtures.ts'
import { goldenCases, readJson, settle, staleFiles } from './golden-files.ts'

/** What a case may say besides its request; see any `given.json`. */
interface Given {
  readonly about: string
  readonly cluster: ClusterFacts
  readonly namespace?: Pick<NamespaceFacts, 'labels' | 'annotations'>
  readonly config?: Partial<Pick<InjectionConfig, 'defaults' | 'imagePullPolicy' | 'podSecurity'>>
}

/** With the patch decoded, so that a reviewer reads it. */
function answerTo(request: Json, given: Given): Json {
  const namespace = given.namespace ?? { labels: {}, annotations: {} }
  const handled = handle(request, clusterOf(given.cluster, { name: '', ...namespace }), { ...config, ...given.config })
  if (handled.status !== 200) throw new Error(handled.problem)
  const { patch, ...response } = handled.answer.response
  const decoded = patch === undefined ? {} : { patch: JSON.parse(Buffer.from(patch, 'base64').toString()) as Json }
  return JSON.parse(JSON.stringify({ ...handled.answer, response: { ...response, ...decoded } })) as Json
}

describe('an AdmissionReview and its answer', () => {
  it.each(goldenCases())('%s', (name) => {
    const given = readJson(name, 'given.json') as unknown as Given
    const answer = answerTo(readJson(name, 'request.json'), given)
    expect(answer).toEqual(settle(name, answer))
  })

  it('have no stale files', () => {
    expect(staleFiles()).toEqual([])
  })
})
