/**
 * Two hundred reviews a second for ten seconds over TLS with connections kept alive, as a busy API server sends them, to
 * the program in a process of its own. Loopback is enough; it runs here because it must run alone.
 */
import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type InjectorProcess, startInjectorProcess } from '../support/injector-process.ts'
import { post } from '../support/injector-server.ts'
import { optedIn, pod, review } from '../unit/injector/fixtures.ts'

const perSecond = 200
const seconds = 10

describe('under load', () => {
  let injector: InjectorProcess
  let agent: Agent
  beforeAll(async () => {
    injector = await startInjectorProcess()
    agent = new Agent({ ca: injector.certificate.cert, keepAlive: true, maxSockets: 20 })
  })
  afterAll(async () => {
    agent.destroy()
    await injector.stop()
  })

  /** A third each: injected, not asked for, wrong. */
  const request = (index: number) => {
    const uid = `uid-${index}`
    const object =
      index % 3 === 0
        ? pod({ name: `pod-${index}`, labels: optedIn, annotations: { 'vxtap.io/vni': String(index) } })
        : index % 3 === 1
          ? pod({ name: `pod-${index}` })
          : pod({ name: `pod-${index}`, labels: optedIn, annotations: { 'vxtap.io/vni': 'x' } })
    return { uid, body: JSON.stringify(review(object, { uid })) }
  }

  const check = (index: number, uid: string, reply: string) => {
    const { response } = JSON.parse(reply) as {
      response: { uid: string; allowed: boolean; patch?: string; auditAnnotations: { decision: string } }
    }
    expect(response).toMatchObject({ uid, allowed: true })
    expect(response.auditAnnotations.decision).toBe(['injected', 'not_opted_in', 'invalid_annotation'][index % 3])
    if (index % 3 !== 0) return expect(response).not.toHaveProperty('patch')
    const operations = Buffer.from(response.patch ?? '', 'base64').toString()
    expect(operations).toContain(`{"name":"VNI","value":"${index}"}`)
  }

  it(`answers ${perSecond} reviews a second for ${seconds} s, each one right`, async () => {
    const total = perSecond * seconds
    const latencies: number[] = []
    const pending: Promise<void>[] = []
    const started = performance.now()
    for (let index = 0; index < total; index++) {
      const due = started + (index * 1000) / perSecond
      const wait = due - performance.now()
      if (wait > 0) await sleep(wait)
      const { uid, body } = request(index)
      pending.push(
        post(injector.port, agent, body).then((reply) => {
          // From when it was due: a late start counts against the answer.
          latencies.push(performance.now() - due)
          check(index, uid, reply.body)
        }),
      )
    }
    await Promise.all(pending)
    latencies.sort((a, b) => a - b)
    const [median, p99, slowest] = [0.5, 0.99, 1].map((share) => latencies[Math.ceil(total * share) - 1]!.toFixed(1))
    console.log(`${total} answers: median ${median} ms, p99 ${p99} ms, slowest ${slowest} ms`)
    expect(latencies).toHaveLength(total)
    expect(Number(slowest)).toBeLessThan(3000)
  })
})
