import fc from 'fast-check'
import jsonpatch from 'fast-json-patch'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../injector/json.ts'
import { escapeToken, patchPod } from '../../../injector/patch.ts'
import { type ClusterFacts, plan } from '../../../injector/plan.ts'
import { config, modern, namespace, old, optedIn, pod, tokenMount } from './fixtures.ts'

function operationsFor(object: JsonObject, cluster: ClusterFacts = modern) {
  const decision = plan(object, namespace(optedIn), cluster, config)
  if (decision.outcome !== 'inject') throw new Error(decision.sentence)
  const patch = patchPod(object, decision.injection)
  if (!patch.ok) throw new Error(patch.cause)
  return patch.operations.map(({ op, path, value }) => ({ op, path, list: Array.isArray(value) }))
}

const paths = (object: JsonObject, cluster?: ClusterFacts) => operationsFor(object, cluster).map(({ path }) => path)

describe('the patch', () => {
  it('is two operations for an ordinary pod, whatever its size', () => {
    const env = Array.from({ length: 1500 }, (_, index) => ({ name: `V${index}`, value: 'x' }))
    const containers = [{ name: 'web', env, volumeMounts: [tokenMount] }]
    expect(paths(pod({ annotations: { a: 'b' } }, { containers, initContainers: [{ name: 'i', env }] }))).toEqual([
      '/spec/initContainers/0',
      '/metadata/annotations/vxtap.io~1status',
    ])
  })

  it('appends an ordinary sidecar', () => {
    expect(paths(pod({ annotations: {} }), old)).toEqual([
      '/spec/containers/-',
      '/metadata/annotations/vxtap.io~1status',
    ])
  })

  it('given no lists and no maps, makes them', () => {
    expect(operationsFor({ spec: {} })).toEqual([
      { op: 'add', path: '/metadata', list: false },
      { op: 'add', path: '/spec/initContainers', list: true },
      { op: 'add', path: '/spec/volumes', list: true },
      { op: 'add', path: '/metadata/annotations', list: false },
    ])
  })

  it('given null in place of lists and maps, replaces it', () => {
    expect(paths({ metadata: { annotations: null }, spec: { initContainers: null, volumes: null } })).toEqual([
      '/spec/initContainers',
      '/spec/volumes',
      '/metadata/annotations',
    ])
  })

  it('given a pod without spec, makes that too', () => {
    expect(paths({})).toEqual(['/spec', '/metadata', '/spec/initContainers', '/spec/volumes', '/metadata/annotations'])
  })

  it('puts a removed restartPolicy back with one operation', () => {
    const stripped = { name: 'vxtap', args: ['sidecar'] }
    expect(operationsFor(pod({}, { initContainers: [{ name: 'first' }, stripped] }))).toEqual([
      { op: 'add', path: '/spec/initContainers/1/restartPolicy', list: false },
    ])
  })

  it.each([
    ['spec.initContainers', { spec: { initContainers: 'x' } }],
    ['metadata.annotations', { metadata: { annotations: ['x'] }, spec: {} }],
    ['metadata', { metadata: 7, spec: {} }],
  ])('refuses to replace a %s of the wrong type', (name, object) => {
    const decision = plan(object, namespace(optedIn), modern, config)
    if (decision.outcome !== 'inject') throw new Error(decision.sentence)
    const patch = patchPod(object, decision.injection)
    expect(patch).toMatchObject({ ok: false, cause: expect.stringContaining(name) })
  })

  it('given a pod nested 100,000 deep beside what changes, shares it instead of copying it', () => {
    let deep: JsonObject = {}
    for (let depth = 0; depth < 100_000; depth++) deep = { deep }
    const object = { spec: { deep } }
    const decision = plan(object, namespace(optedIn), modern, config)
    if (decision.outcome !== 'inject') throw new Error(decision.sentence)
    const patch = patchPod(object, decision.injection)
    expect(patch.ok && (patch.patched['spec'] as JsonObject)['deep'] === deep).toBe(true)
  })

  it.each([
    ['an ordinary pod', pod({ annotations: { a: 'b' } })],
    ['a pod without any of what is patched', {}],
    [
      'null in place of lists and maps',
      { metadata: { annotations: null }, spec: { initContainers: null, volumes: null } },
    ],
  ])('given %s, changes neither it nor the operations while it tries them', (_what, object: JsonObject) => {
    const before = JSON.stringify(object)
    const decision = plan(object, namespace(optedIn), modern, config)
    if (decision.outcome !== 'inject') throw new Error(decision.sentence)
    const patch = patchPod(object, decision.injection)
    if (!patch.ok) throw new Error(patch.cause)
    const operations = JSON.stringify(patch.operations)
    expect(JSON.stringify(object)).toBe(before)
    const whole = jsonpatch.applyPatch(JSON.parse(before), JSON.parse(operations), true).newDocument
    expect(patch.patched).toEqual(whole)
    expect(JSON.parse(operations).filter(({ value }: { value: unknown }) => JSON.stringify(value) === '{}')).toEqual(
      patch.operations.filter(({ path }) => path === '/spec' || path === '/metadata'),
    )
  })

  it('escapes reference tokens so that they come back (RFC 6901 section 3)', () => {
    expect(escapeToken('a~1/b')).toBe('a~01~1b')
    fc.assert(
      fc.property(fc.string(), (name) => {
        const token = escapeToken(name)
        expect(token).not.toContain('/')
        expect(token.replaceAll('~1', '/').replaceAll('~0', '~')).toBe(name)
      }),
    )
  })
})
