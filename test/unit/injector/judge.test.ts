import { describe, expect, it } from 'vitest'
import { untappedReasons } from '../../../contract/blind-spots.ts'
import { injectionReasons } from '../../../contract/injection-reasons.ts'
import { judgePod } from '../../../injector/blind-spots/judge.ts'
import { howToRecreate } from '../../../injector/blind-spots/recreate.ts'
import { isObject, type JsonObject } from '../../../injector/json.ts'
import { patchPod } from '../../../injector/patch.ts'
import { plan } from '../../../injector/plan.ts'
import { config, modern, namespace, optedIn, pod } from './fixtures.ts'
import { cases } from './reason-cases.ts'

const judge = (object: JsonObject, of = namespace()) => judgePod(object, of, modern, config)

/** What the webhook makes of it. */
function injected(object: JsonObject, version = config.version): JsonObject {
  const decision = plan(object, namespace(), modern, { ...config, version })
  const patch = decision.outcome === 'inject' ? patchPod(object, decision.injection) : undefined
  if (!patch?.ok) throw new Error(decision.sentence)
  return patch.patched
}

describe('a pod that is there', () => {
  // Requests that are no pod's creation, and those of the command line, have nothing to be judged.
  const ofPods = cases.filter(({ object, request, reason }) => {
    return (
      isObject(object) &&
      object['kind'] === 'Pod' &&
      !request &&
      !['internal_error', 'injected_on_request'].includes(reason)
    )
  })
  it.each(ofPods)(
    'given $given: is judged as the webhook decides, $reason',
    ({ object, cluster, config: own, reason }) => {
      const facts = cluster?.facts() ?? modern
      const of = cluster?.namespace('shop') ?? namespace()
      const standing = judgePod(object as JsonObject, of, facts, { ...config, ...own })
      const { outcome, warn } = injectionReasons[reason]
      if (standing.tap === 'tapped') {
        expect(['already_injected', 'restart_policy_restored']).toContain(reason)
      } else if (outcome === 'inject') {
        const byAnnotation = of.annotations?.['vxtap.io/inject'] !== undefined
        const blind = byAnnotation ? 'unseen_by_webhook' : 'started_without_injector'
        expect(standing).toMatchObject({ tap: 'blind', reason: blind })
      } else {
        expect(standing).toMatchObject({ tap: warn ? 'refused' : 'not_asked', reason })
      }
      if (standing.tap === 'blind' || standing.tap === 'refused') expect(untappedReasons).toContain(standing.reason)
    },
  )

  it('with the sidecar is tapped, for the reason for which it was', () => {
    expect(judge(injected(pod()))).toEqual({
      tap: 'tapped',
      ended: false,
      reason: 'injected',
      sentence: 'the pod opts in',
      remedy: '',
      sidecar: { version: '9.9.9', image: 'example.com/vxtap:9.9.9', native: true, metricsPort: 14789 },
      notes: [],
    })
  })

  it('with a sidecar older than the injector says so, and how it gets the new one', () => {
    const { notes } = judge(injected(pod({ name: 'web', labels: optedIn }), '9.8.0'))
    expect(notes).toEqual([
      {
        code: 'older_sidecar',
        text: 'the sidecar is of version 9.8.0, older than the injector, which is of version 9.9.9; create the pod anew when it suits: delete the pod web and create it again from its manifest',
      },
    ])
  })

  it('with a sidecar in a namespace that asks no more would not be tapped again', () => {
    const tapped = injected(pod())
    const { labels: _, ...metadata } = tapped['metadata'] as JsonObject
    expect(judge({ ...tapped, metadata })).toMatchObject({
      tap: 'tapped',
      reason: 'already_injected',
      notes: [{ code: 'not_opted_in', text: expect.stringMatching(/^created anew, it would not be tapped: neither/) }],
    })
  })

  it.each([
    ['its label', { labels: optedIn }, {}, {}, false, 'started_without_injector'],
    ['its annotation', { annotations: optedIn }, {}, {}, true, 'started_without_injector'],
    ['its annotation, before 1.30', { annotations: optedIn }, {}, {}, false, 'unseen_by_webhook'],
    [
      'its annotation and the label of its namespace',
      { annotations: optedIn },
      optedIn,
      {},
      false,
      'started_without_injector',
    ],
    ['the label of its namespace', {}, optedIn, {}, false, 'started_without_injector'],
    ['an annotation of its namespace', {}, {}, optedIn, true, 'unseen_by_webhook'],
  ])(
    'without the sidecar, given that %s asks: is told what the webhook does not see',
    (_case, metadata, labels, annotations, seen, reason) => {
      expect(judgePod(pod(metadata), namespace(labels, annotations), modern, config, seen)).toMatchObject({
        tap: 'blind',
        reason,
      })
    },
  )

  it('that the webhook does not see is told where the label belongs', () => {
    const { sentence, remedy } = judge(pod({ name: 'web' }), namespace({}, optedIn))
    expect(sentence).toBe(
      'the pod runs without a tap, because an annotation of its namespace alone asks for one, which the webhook does not see',
    )
    expect(remedy).toBe(
      'set the label vxtap.io/inject: "true" on the namespace shop, then create the pod anew: delete the pod web and create it again from its manifest',
    )
  })

  it.each([
    ['it succeeded', { status: { phase: 'Succeeded' } }],
    ['it failed', { status: { phase: 'Failed' } }],
    ['it is being deleted', { metadata: { labels: optedIn, deletionTimestamp: '2026-11-21T12:00:00Z' } }],
  ])('has ended, given that %s', (_case, changes) => {
    expect(judge({ ...pod(), ...changes } as JsonObject)).toMatchObject({ tap: 'blind', ended: true })
  })

  it('may claim any version and image: nothing of it acts on a terminal', () => {
    const tapped = injected(pod())
    const metadata = { labels: optedIn, annotations: { 'vxtap.io/status': '{"version":"\\u001b[2J"}' } }
    expect(judge({ ...tapped, metadata }).sidecar?.version).toBe('\\u{1b}[2J')
    expect(
      judge({ ...tapped, metadata: { labels: optedIn, annotations: { 'vxtap.io/status': '{' } } }).sidecar?.version,
    ).toBeUndefined()
  })
})

describe('how a pod is created anew', () => {
  const owned = (kind: string, name: string, hash?: string): JsonObject => ({
    metadata: {
      name: 'web-x',
      ownerReferences: [{ kind, name, controller: true }],
      ...(hash === undefined ? {} : { labels: { 'pod-template-hash': hash } }),
    },
  })
  const byHand = 'delete the pod web-x and create it again from its manifest'
  it.each([
    ['of a Deployment', owned('ReplicaSet', 'web-5d4', '5d4'), 'kubectl -n shop rollout restart deployment/web'],
    [
      'of a ReplicaSet',
      owned('ReplicaSet', 'web', '5d4'),
      'kubectl -n shop delete pod web-x, which its ReplicaSet replaces',
    ],
    ['of a StatefulSet', owned('StatefulSet', 'db'), 'kubectl -n shop rollout restart statefulset/db'],
    ['of a DaemonSet', owned('DaemonSet', 'agent'), 'kubectl -n shop rollout restart daemonset/agent'],
    ['of a Job', owned('Job', 'report'), 'delete the Job report and create it again, or let it end'],
    ['of somebody else’s kind', owned('Canary', 'c'), 'kubectl -n shop delete pod web-x, which its Canary replaces'],
    ['of nobody', { metadata: { name: 'web-x' } }, byHand],
    ['of a name that is a shell’s', owned('ReplicaSet', 'web;reboot #-5d4', '5d4'), byHand],
    ['of a kind that is a shell’s', owned('$(reboot)', 'web'), byHand],
  ])('%s', (_case, object, how) => {
    expect(howToRecreate(object, 'shop')).toBe(how)
  })
})
