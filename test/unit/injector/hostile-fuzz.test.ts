/**
 * Bodies that nobody would write, at the real program over real TLS. `make fuzz` sends 100,000 of them, `make test` a
 * fiftieth; both from the same seed, so that what one finds the other finds again.
 */
import { Agent } from 'node:https'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limitKb, nodeOptions, residentKb } from '../../support/chart-memory.ts'
import { type InjectorProcess, startInjectorProcess } from '../../support/injector-process.ts'
import { post } from '../../support/injector-server.ts'
import { arbitraryPod } from './arbitrary-pods.ts'
import { annotated, pod, review } from './fixtures.ts'

const reviews = Number(process.env['FUZZ_REVIEWS'] ?? 2000)
const atOnce = 20
const seed = 20_260_101

const good = JSON.stringify(review(annotated({ 'vxtap.io/vni': '7', 'vxtap.io/filter': 'not port 443' })))

const anyValue = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, '', 0, -1, 1e308, [], {}, '__proto__', '\u0000', '\ud800', 'x'.repeat(70_000)),
)

/** A review whose members are of any type. */
const wrongTypes = fc
  .record(
    {
      uid: fc.oneof(fc.constant('u'), anyValue),
      kind: fc.oneof(fc.constant({ group: '', version: 'v1', kind: 'Pod' }), anyValue),
      operation: fc.oneof(fc.constant('CREATE'), anyValue),
      namespace: fc.oneof(fc.constant('shop'), anyValue),
      subResource: anyValue,
      dryRun: anyValue,
      object: fc.oneof(arbitraryPod, anyValue),
    },
    { requiredKeys: ['uid'] },
  )
  .map((request) => Buffer.from(JSON.stringify({ ...review(null), request })))

const patched = arbitraryPod.map((object) => Buffer.from(JSON.stringify(review(object))))

/** Bytes of a good review, some of them replaced, left out, doubled, or cut off. */
const mutated = fc
  .array(
    fc.record({
      at: fc.nat(good.length - 1),
      how: fc.constantFrom('replace', 'leave out', 'put in', 'double', 'cut'),
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
        fc
          .constantFrom('\u0000', '"', '{', '}', '[', ']', ',', ':', '\\', '\\u0000', '\\ud800', '1e999', '\ufeff', '-')
          .map((text) => Buffer.from(text)),
      ),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((changes) => changes.reduce<Buffer>(changed, Buffer.from(good)))

function changed(bytes: Buffer, change: { at: number; how: string; bytes: Buffer }): Buffer {
  const at = Math.min(change.at, bytes.length)
  const before = bytes.subarray(0, at)
  if (change.how === 'cut') return before
  if (change.how === 'leave out') return Buffer.concat([before, bytes.subarray(at + change.bytes.length)])
  if (change.how === 'put in') return Buffer.concat([before, change.bytes, bytes.subarray(at)])
  if (change.how === 'double') return Buffer.concat([before, bytes.subarray(Math.max(0, at - 30))])
  return Buffer.concat([before, change.bytes, bytes.subarray(at + change.bytes.length)])
}

/** Members that are there twice, that are called like what every object has, or that are very long or very deep. */
const member = fc.oneof(
  fc.constantFrom(
    '"__proto__":{"labels":{"vxtap.io/inject":"true"}}',
    '"constructor":{"prototype":{}}',
    '"hasOwnProperty":1',
  ),
  fc.constantFrom('"metadata":null', '"spec":[]', '"spec":{"containers":null}', '"metadata":{"labels":{}}'),
  fc.nat(20_000).map((length) => `"${'k'.repeat(length)}":1`),
  fc.nat(5000).map((depth) => `"deep":${'['.repeat(depth)}${']'.repeat(depth)}`),
  fc.nat(5000).map((depth) => `"deep":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
)
const withMembers = fc
  .tuple(
    fc.array(member, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('"metadata":', '"spec":', '"request":', '"uid":'),
  )
  .map(([members, before]) => Buffer.from(good.replace(before, `${members.join(',')},${before}`)))

const body = fc.oneof(
  { weight: 4, arbitrary: mutated },
  { weight: 3, arbitrary: wrongTypes },
  { weight: 2, arbitrary: patched },
  { weight: 1, arbitrary: withMembers },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
)

/** What the answer has to be, judged by JSON.parse and nothing of ours. */
function expectedUid(bytes: Buffer): string | undefined {
  try {
    const { apiVersion, kind, request } = JSON.parse(bytes.toString())
    const { uid } = request
    const isReview = apiVersion === 'admission.k8s.io/v1' && kind === 'AdmissionReview' && !Array.isArray(request)
    return isReview && typeof uid === 'string' && uid.length > 0 && uid.length <= 256 ? uid : undefined
  } catch {
    return undefined
  }
}

describe(`given ${reviews} hostile reviews`, () => {
  let injector: InjectorProcess
  let agent: Agent
  beforeAll(async () => {
    injector = await startInjectorProcess({ NODE_OPTIONS: nodeOptions })
    agent = new Agent({ ca: injector.certificate.cert, keepAlive: true, maxSockets: atOnce })
  })
  afterAll(async () => {
    agent.destroy()
    await injector.stop()
  })

  const check = async (bytes: Buffer): Promise<void> => {
    const reply = await post(injector.port, agent, bytes)
    const uid = expectedUid(bytes)
    if (uid === undefined) {
      expect(reply.status).toBe(400)
      expect(JSON.parse(reply.body)).toEqual({ error: expect.any(String) })
      return
    }
    expect(reply.status).toBe(200)
    const { apiVersion, kind, response } = JSON.parse(reply.body)
    expect({ apiVersion, kind }).toEqual({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' })
    expect(response).toMatchObject({ uid, allowed: true })
    expect(response.auditAnnotations.decision).not.toBe('internal_error')
    if (response.patch === undefined) return
    const operations = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as { op: string }[]
    expect(new Set(operations.map(({ op }) => op))).toEqual(new Set(['add']))
  }

  it(
    'then each is answered as a review and allowed, or refused with a sentence, in the memory that the chart gives',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(body, { minLength: atOnce, maxLength: atOnce }), async (bodies) => {
          await Promise.all(bodies.map(check))
        }),
        { seed, numRuns: Math.ceil(reviews / atOnce), endOnFailure: true },
      )
      expect(JSON.parse((await post(injector.port, agent, JSON.stringify(review(pod())))).body)).toMatchObject({
        response: { auditAnnotations: { decision: 'injected' } },
      })
      expect(residentKb(injector.child.pid, 'VmHWM')).toBeLessThan(limitKb)
      const lines = injector.log.filter(({ level }) => Number(level) >= 50)
      expect(lines).toEqual([])
    },
    60_000 + reviews * 20,
  )
})
