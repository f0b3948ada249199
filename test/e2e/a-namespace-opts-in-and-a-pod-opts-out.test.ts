import { describe, expect, it } from 'vitest'
import { apply, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { sidecarOf, statusOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('opted-in', { labels: optIn })

describe('given a namespace that opts in', () => {
  it('when a pod says nothing, then it is tapped', async () => {
    await apply(pod({ name: 'silent', namespace }))
    const made = await ready(namespace, 'silent')
    expect(sidecarOf(made)).toBeDefined()
    expect(statusOf(made)).toMatchObject({ container: 'vxtap', sensor: 'sensor' })
  })

  it.each([
    ['label', { labels: { 'vxtap.io/inject': 'false' } }],
    ['annotation', { annotations: { 'vxtap.io/inject': 'false' } }],
  ])('when a pod opts out by %s, then it is left as it is', async (how, metadata) => {
    await apply(pod({ name: `out-by-${how}`, namespace, ...metadata }))
    const made = await ready(namespace, `out-by-${how}`)
    expect(sidecarOf(made)).toBeUndefined()
    expect(statusOf(made)).toBeUndefined()
  })
})
