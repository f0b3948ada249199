import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServedInjector, serveInjector } from '../../support/injector-server.ts'
import { optedIn, pod, review } from './fixtures.ts'

const text = (value: unknown) => JSON.stringify(value)
const good = text(review(pod()))
const withRequest = (request: unknown) => text({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request })
const withSpec = (spec: string) => good.replace('"containers"', `${spec},"containers"`)

/** What is no AdmissionReview is refused with a sentence; there is no uid to answer to. */
const refused: [string, string | Buffer, number, RegExp][] = [
  ['nothing', '', 400, /empty|JSON/],
  ['not JSON', 'hello', 400, /JSON/],
  ['bytes that are not text', Buffer.from([0xff, 0xfe, 0x00, 0x80]), 400, /JSON/],
  ['JSON cut short', good.slice(0, good.length / 2), 400, /JSON/],
  ['JSON with something after it', `${good}{}`, 400, /JSON/],
  ['8 MB', text(review({ ...pod(), padding: 'x'.repeat(8_000_000) })), 413, /larger than 7340032 bytes/],
  ['100,000 nested lists', '['.repeat(100_000) + ']'.repeat(100_000), 400, /not a JSON object/],
  ['a list', '[]', 400, /not a JSON object/],
  ['a number', '7', 400, /not a JSON object/],
  ['null', 'null', 400, /JSON/],
  ['a text', '"AdmissionReview"', 400, /not a JSON object/],
  ['an empty object', '{}', 400, /kind is missing/],
  ['another kind', text({ apiVersion: 'v1', kind: 'Pod' }), 400, /kind is "Pod"/],
  ['a kind that is a list', text({ apiVersion: 'admission.k8s.io/v1', kind: ['AdmissionReview'] }), 400, /not a text/],
  ['the version v1beta1', good.replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'), 400, /v1beta1.*only one/],
  ['no request', text({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }), 400, /no request/],
  ['a request that is a list', withRequest([]), 400, /no request/],
  ['no uid', withRequest({ object: pod() }), 400, /uid/],
  ['an empty uid', withRequest({ uid: '' }), 400, /uid/],
  ['a uid that is a number', withRequest({ uid: 7 }), 400, /uid/],
  ['a uid without end', withRequest({ uid: 'x'.repeat(1_000_000) }), 400, /uid/],
]

const oversized = {
  name: 'n'.repeat(500_000),
  labels: optedIn,
  annotations: { [`vxtap.io/${'x'.repeat(500_000)}`]: '' },
  ownerReferences: [{ kind: 'k'.repeat(500_000), name: 'o' }],
}
const many = Array.from({ length: 20_000 }, (_, index) => ({ name: `c${index}` }))

/** What is one gets an answer that lets the pod through, whatever is in it. */
const answered: [string, string][] = [
  ['only a uid', withRequest({ uid: 'u' })],
  ['an object that is null', text(review(null))],
  ['an object that is a text', text(review('pod'))],
  ['an object that is a list', text(review([pod()]))],
  ['an empty pod', text(review({}))],
  [
    'wrong types in every place of the request',
    withRequest({ uid: 'u', kind: 7, namespace: [], operation: {}, subResource: 1, dryRun: 'yes', object: 1 }),
  ],
  ['metadata that is a number', text(review({ metadata: 7, spec: {} }))],
  ['labels that are a list', text(review({ metadata: { labels: [optedIn] }, spec: {} }))],
  ['annotations that are a text', text(review({ metadata: { labels: optedIn, annotations: 'x' }, spec: {} }))],
  ['a spec that is a text', text(review({ metadata: { labels: optedIn }, spec: 'x' }))],
  ['containers that are an object', text(review({ metadata: { labels: optedIn }, spec: { containers: {} } }))],
  ['init containers that are a text', text(review({ metadata: { labels: optedIn }, spec: { initContainers: 'x' } }))],
  [
    'containers that are null, numbers and lists',
    text(review({ metadata: { labels: optedIn }, spec: { containers: [null, 7, [], 'x'] } })),
  ],
  ['a pod nested 100,000 deep', withSpec(`"deep":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
  ['20,000 containers', text(review(pod(undefined, { containers: many })))],
  [
    'an annotation of 200 kB',
    text(review(pod({ labels: optedIn, annotations: { 'vxtap.io/filter': 'x'.repeat(200_000) } }))),
  ],
  [
    'control characters in a value',
    text(review(pod({ labels: optedIn, annotations: { 'vxtap.io/filter': 'a\u0000\u001b[31m\r\nb' } }))),
  ],
  ['a name and an annotation of 500 kB each', text(review(pod(oversized)))],
  ['lone surrogates', good.replace('"web"', '"\\ud800"')],
  [
    'names of Object.prototype as keys',
    text(review(pod({ labels: optedIn, annotations: { constructor: 'x', toString: 'y', hasOwnProperty: 'z' } }))),
  ],
  ['the same key twice', good.replace('"spec":{', '"spec":{"hostNetwork":true,"hostNetwork":false,')],
  ['numbers without end', withSpec('"big":1e400')],
]

describe('a hostile request', () => {
  let served: ServedInjector
  beforeAll(async () => {
    served = await serveInjector()
  })
  afterAll(() => served.dispose())

  const expectHealthy = async () => {
    const reply = await served.post(good)
    expect(reply.status).toBe(200)
    expect(JSON.parse(reply.body)).toMatchObject({ response: { allowed: true, patchType: 'JSONPatch' } })
  }

  it.each(refused)('%s is refused with a sentence', async (_name, body, status, sentence) => {
    const reply = await served.post(body)
    expect(reply.status).toBe(status)
    expect(JSON.parse(reply.body)).toEqual({ error: expect.stringMatching(sentence) })
    await expectHealthy()
  })

  it.each(answered)('%s is answered, and allowed', async (_name, body) => {
    const reply = await served.post(body)
    expect(reply.status).toBe(200)
    const { response } = JSON.parse(reply.body) as { response: Record<string, unknown> }
    expect(response).toMatchObject({ allowed: true, uid: JSON.parse(body).request.uid })
    expect(text(response['auditAnnotations']).length + text(response['warnings'] ?? '').length).toBeLessThan(2000)
    await expectHealthy()
  })

  it.each([
    ['a __proto__ key', '"__proto__":{"hostNetwork":true}'],
    ['an escaped __proto__ key', '"\\u005f_proto__":{"hostNetwork":true}'],
    ['a constructor with a prototype', '"constructor":{"prototype":{"hostNetwork":true}}'],
    ['a volume attribute of the name __proto__', '"more":[{"csi":{"volumeAttributes":{"__proto__":"x"}}}]'],
  ])('%s neither keeps a pod from being injected nor means anything', async (_name, member) => {
    const { response } = JSON.parse((await served.post(withSpec(member))).body)
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { decision: 'injected' } })
    await expectHealthy()
  })

  it('is refused with a line in the log that says from where and why', async () => {
    const before = served.log.length
    await served.post('{')
    expect(served.log.slice(before)).toEqual([
      expect.objectContaining({ level: 40, status: 400, from: '127.0.0.1', msg: expect.stringContaining('not JSON') }),
    ])
  })

  it('gets a warning that the API server does not leave out for its control characters', async () => {
    const annotations = { 'vxtap.io/vni': '1\u007f\u0085\u202e\u2028' }
    const { response } = JSON.parse((await served.post(text(review(pod({ labels: optedIn, annotations }))))).body)
    expect(response.warnings.join()).toContain('vxtap.io/vni="1\\u{7f}\\u{85}\\u{202e}\\u{2028}" is not allowed')
  })

  it('another path, method or content type is refused with a sentence', async () => {
    const replies = await Promise.all([
      served.post(good, { path: '/' }),
      served.post(good, { method: 'PUT' }),
      served.post(good, { headers: { 'content-type': 'text/html' } }),
    ])
    expect(replies.map(({ status }) => status)).toEqual([404, 404, 415])
    for (const { body } of replies) expect(JSON.parse(body)).toEqual({ error: expect.stringMatching(/.+/) })
    await expectHealthy()
  })

  it('plain text in place of TLS, and TLS 1.1, get no connection', async () => {
    const outcome = await new Promise((resolve) => {
      const socket = connect({
        port: served.port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
      })
      socket.on('secureConnect', () => resolve('connected'))
      socket.on('error', () => resolve('refused'))
    })
    expect(outcome).toBe('refused')
    await expect(fetch(`http://127.0.0.1:${served.port}/mutate`, { method: 'POST', body: good })).rejects.toThrow()
    await expectHealthy()
  })

  it('never reaches the log with its content', () => {
    const lines = served.log.map((line) => text(line))
    expect(lines.length).toBeGreaterThan(20)
    for (const line of lines) expect(line.length).toBeLessThan(2000)
  })
})
