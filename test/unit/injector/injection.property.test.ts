import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { elementsAt, isObject, type Json, type JsonObject, member, textAt } from '../../../injector/json.ts'
import { patchPod } from '../../../injector/patch.ts'
import { type ClusterFacts, type Decision, plan } from '../../../injector/plan.ts'
import { arbitraryPod } from './arbitrary-pods.ts'
import { config, namespace, optedIn } from './fixtures.ts'

const parameters = { seed: 20261121, numRuns: 2000 }
const clusters = fc.constantFrom<ClusterFacts>(
  { nativeSidecars: true },
  { nativeSidecars: false },
  { nativeSidecars: 'unknown' },
)

// The namespace opts in, so that most pods get as far as the patch.
const decide = (pod: JsonObject, cluster: ClusterFacts): Decision => plan(pod, namespace(optedIn), cluster, config)

function inject(pod: JsonObject, cluster: ClusterFacts): JsonObject {
  const decision = decide(pod, cluster)
  if (decision.outcome === 'skip') return pod
  const patch = patchPod(pod, decision.injection)
  return patch.ok ? patch.patched : pod
}

/** The pod with everything of ours taken out again. */
function withoutOurs(pod: JsonObject): Json {
  const copy = JSON.parse(JSON.stringify(pod)) as Record<string, Record<string, Json>>
  for (const list of ['containers', 'initContainers', 'volumes']) {
    const elements = elementsAt(copy, 'spec', list)
    const kept = elements.filter((element) => !['vxtap', 'vxtap-token'].includes(textAt(element, 'name') ?? ''))
    if (kept.length !== elements.length) copy['spec']![list] = kept
  }
  const annotations = member(copy['metadata'], 'annotations')
  if (isObject(annotations)) {
    const { 'vxtap.io/status': _, ...rest } = annotations
    copy['metadata']!['annotations'] = rest
  }
  return copy
}

/** Absent, null and empty lists and maps mean the same to the API server. */
const normalised = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(normalised)
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([name, inner]) => [name, normalised(inner)] as const)
  return Object.fromEntries(
    members.filter(([, inner]) => inner !== null && JSON.stringify(inner) !== '[]' && JSON.stringify(inner) !== '{}'),
  )
}

describe('injection, for every pod', () => {
  it('is idempotent', () => {
    fc.assert(
      fc.property(arbitraryPod, clusters, (pod, cluster) => {
        const once = inject(pod, cluster)
        expect(inject(once, cluster)).toEqual(once)
      }),
      parameters,
    )
  })

  it('leaves its input alone', () => {
    fc.assert(
      fc.property(arbitraryPod, clusters, (pod, cluster) => {
        const before = JSON.stringify(pod)
        inject(pod, cluster)
        expect(JSON.stringify(pod)).toBe(before)
      }),
      parameters,
    )
  })

  it('adds and changes nothing else: without what is ours the pod is as it was', () => {
    fc.assert(
      fc.property(arbitraryPod, clusters, (pod, cluster) => {
        expect(normalised(withoutOurs(inject(pod, cluster)))).toEqual(normalised(withoutOurs(pod)))
      }),
      parameters,
    )
  })

  it('puts exactly one sidecar in, first among the init containers or last among the containers', () => {
    const injected = { native: 0, ordinary: 0 }
    fc.assert(
      fc.property(arbitraryPod, clusters, (pod, cluster) => {
        const decision = decide(pod, cluster)
        if (decision.outcome === 'skip') return
        const patch = patchPod(pod, decision.injection)
        if (!patch.ok) return
        const native = cluster.nativeSidecars === true
        injected[native ? 'native' : 'ordinary']++
        const list = elementsAt(patch.patched, 'spec', native ? 'initContainers' : 'containers')
        expect(textAt(list.at(native ? 0 : -1), 'name')).toBe('vxtap')
        const all = ['initContainers', 'containers'].flatMap((name) => elementsAt(patch.patched, 'spec', name))
        expect(all.filter((container) => textAt(container, 'name') === 'vxtap')).toHaveLength(1)
      }),
      parameters,
    )
    // The generator must reach the patch, or the property says nothing.
    expect(Math.min(injected.native, injected.ordinary)).toBeGreaterThan(parameters.numRuns / 20)
  })
})
