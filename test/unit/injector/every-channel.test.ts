/**
 * A decision is told in five places: the log, the metric, the admission warning, the audit annotation, and an event of
 * the pod's owner. For every reason of the table, this holds them together: the same code, the same sentence.
 */
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { injectionReasons } from '../../../contract/injection-reasons.ts'
import { createEventPost, createOwnerEvents } from '../../../injector/cluster/owner-events.ts'
import { createRest, type Rest } from '../../../injector/cluster/rest.ts'
import { isObject, type Json, objectAt } from '../../../injector/json.ts'
import { createInjectorMetrics } from '../../../injector/metrics.ts'
import { createWebhookServer } from '../../../injector/server.ts'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import { kubeconfigOf } from '../../support/status-cluster.ts'
import { clusterOf, config, modern, review } from './fixtures.ts'
import { type Case, cases } from './reason-cases.ts'

const controller = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4', controller: true }

let api: ApiServer
let rest: Rest
beforeAll(async () => {
  api = await startApiServer({ namespaces: ['shop'] })
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromString(kubeconfigOf(api, api.adminToken))
  rest = createRest(kubeConfig)
})
afterAll(async () => {
  rest.close()
  await api.close()
})

/** One review through the server as it runs, with all that it says. */
async function told(test: Case, ownerUid: string) {
  const log: Record<string, unknown>[] = []
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) })
  const metrics = createInjectorMetrics('test')
  const posts: Promise<void>[] = []
  const post = createEventPost(rest)
  const { app } = createWebhookServer({
    config: () => ({ ...config, ...test.config }),
    cluster: test.cluster ?? clusterOf(modern),
    metrics,
    log: logger,
    tell: createOwnerEvents((notice) => {
      const posted = post(notice)
      posts.push(posted)
      return posted
    }, logger),
    draining: () => false,
  })
  const response = await app.inject({
    method: 'POST',
    url: '/mutate',
    payload: review(owned(test.object, ownerUid), test.request) as object,
  })
  await Promise.all(posts)
  await app.close()
  const answer = response.json<{ response: { warnings?: string[]; auditAnnotations: Record<string, string> } }>()
  return {
    log,
    metrics: await metrics.render(),
    answer: answer.response,
    events: api.events.list().filter((event) => isAbout(event, ownerUid)),
  }
}

function owned(object: Json, uid: string): Json {
  if (!isObject(object)) return object
  return { ...object, metadata: { ...objectAt(object, 'metadata'), ownerReferences: [{ ...controller, uid }] } }
}

const camelCase = (code: string): string => code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())

describe('every reason of the table', () => {
  it.each(cases.map((test, index) => ({ ...test, index })))('given $given: $reason is in all five', async (test) => {
    const { log, metrics, answer, events } = await told(test, `rs-${test.index}`)
    const { warn } = injectionReasons[test.reason]
    const sentence = String(log[0]?.['msg'])

    expect(log.map(({ reason }) => reason)).toEqual([test.reason])
    expect(sentence).not.toBe('')
    const counted = metrics.match(/^vxtap_injector_decisions_total\{[^}]*\} [1-9].*$/gm)
    expect(counted).toEqual([`vxtap_injector_decisions_total{reason="${test.reason}"} 1`])
    expect(answer.auditAnnotations).toEqual({ decision: test.reason, explanation: sentence })

    // Those who did not ask for a tap are left alone.
    const about = (text: string): boolean => text.includes(`(${test.reason})`) && text.includes(sentence)
    expect((answer.warnings ?? []).filter(about).length).toBe(warn ? 1 : 0)
    const hasOwner = isObject(test.object)
    expect(events.filter(({ message }) => about(String(message))).length).toBe(warn && hasOwner ? 1 : 0)
    for (const event of events) {
      expect(event).toMatchObject({ reason: camelCase(test.reason), involvedObject: { uid: `rs-${test.index}` } })
    }
  })

  it('has a case here', () => {
    expect(new Set(cases.map(({ reason }) => reason))).toEqual(new Set(Object.keys(injectionReasons)))
  })
})

describe('given two injectors that decide the same', () => {
  it('then the owner gets one event', async () => {
    const notice = { namespace: 'shop', owner: { ...controller, uid: 'twice' }, reason: 'host_network', message: 'why' }
    await Promise.all([createEventPost(rest)(notice), createEventPost(rest)(notice)])
    await createEventPost(rest)({ ...notice, message: 'something else' })
    await createEventPost(rest)({ ...notice, reason: 'windows', message: 'of one pod', once: true })
    await createEventPost(rest)({ ...notice, reason: 'windows', message: 'of another', once: true })
    const events = api.events.list().filter((event) => isAbout(event, 'twice'))
    expect(events.map(({ message }) => message).sort()).toEqual([
      'vxtap: of one pod',
      'vxtap: something else',
      'vxtap: why',
    ])
  })
})

const isAbout = (event: Record<string, unknown>, uid: string): boolean =>
  (event['involvedObject'] as { uid?: string } | undefined)?.uid === uid
