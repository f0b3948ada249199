import { describe, expect, it } from 'vitest'
import { matchConditions } from './world/abilities.ts'
import { apply, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { sidecarOf } from './world/tap.ts'
import { pod } from './world/workloads.ts'

const namespace = useNamespace('annotated')

describe('given a namespace that says nothing', () => {
  it('when a pod says nothing either, then it is left as it is', async () => {
    await apply(pod({ name: 'silent', namespace }))
    expect(sidecarOf(await ready(namespace, 'silent'))).toBeUndefined()
  })
})

if (matchConditions)
  describe('given an API server that selects by annotation', () => {
    it('when a pod opts in by annotation, then it is tapped', async () => {
      await apply(pod({ name: 'annotated', namespace, annotations: { 'vxtap.io/inject': 'true' } }))
      expect(sidecarOf(await ready(namespace, 'annotated'))).toBeDefined()
    })

    it('when a pod says neither true nor false, then it is left as it is, and kubectl prints why', async () => {
      const said = await apply(pod({ name: 'mistyped', namespace, annotations: { 'vxtap.io/inject': 'yes' } }))
      expect(said).toMatch(/Warning: vxtap: .*vxtap\.io\/inject.*"yes".*true or false/)
      expect(sidecarOf(await ready(namespace, 'mistyped'))).toBeUndefined()
    })
  })
else
  describe('given an API server that cannot select by annotation', () => {
    it('when a pod opts in by annotation, then it is left as it is', async ({ annotate }) => {
      await annotate('annotations opt nothing in', 'instead')
      await apply(pod({ name: 'annotated', namespace, annotations: { 'vxtap.io/inject': 'true' } }))
      expect(sidecarOf(await ready(namespace, 'annotated'))).toBeUndefined()
    })
  })
