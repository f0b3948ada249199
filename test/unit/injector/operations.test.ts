import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { injectionReasons } from '../../../contract/injection-reasons.ts'
import { injectorMetrics } from '../../../contract/injector-metrics.ts'
import { type ServedInjector, serveInjector } from '../../support/injector-server.ts'
import { pod, review } from './fixtures.ts'

const body = JSON.stringify(review(pod()))

describe('the operations server', () => {
  let served: ServedInjector
  afterEach(() => served.dispose())
  const get = async (path: string) => {
    const reply = await fetch(`http://127.0.0.1:${served.metricsPort}${path}`)
    return { status: reply.status, text: await reply.text() }
  }

  // An API server or a kubelet of a cluster with IPv6 alone has no other way to come here.
  it('given addresses to listen on without a host, answers over IPv6 and IPv4, and so does the webhook', async () => {
    served = await serveInjector({ LISTEN_ADDRESS: ':0', METRICS_ADDRESS: ':0' })
    for (const host of ['::1', '127.0.0.1']) {
      expect((await served.post(body, { host, servername: 'localhost' })).status).toBe(200)
    }
    for (const host of ['[::1]', '127.0.0.1']) {
      expect((await fetch(`http://${host}:${served.metricsPort}/readyz`)).status).toBe(200)
    }
  })

  it('counts decisions by reason and refused requests by status', async () => {
    served = await serveInjector()
    await served.post(body)
    await served.post(JSON.stringify(review(pod({}))))
    await served.post('nonsense')
    const { text } = await get('/metrics')
    expect(text).toContain('vxtap_injector_decisions_total{reason="injected"} 1')
    expect(text).toContain('vxtap_injector_decisions_total{reason="not_opted_in"} 1')
    expect(text).toContain('vxtap_injector_refused_requests_total{status="400"} 1')
    expect(text).toMatch(/vxtap_injector_review_seconds_bucket\{le="0.001",outcome="inject"\} \d/)
    expect(text).toMatch(/vxtap_injector_certificate_expiry_timestamp_seconds 1\d{9}/)
  })

  it('exposes every metric of the table, and none of ours that is not in it', async () => {
    served = await serveInjector()
    await served.post(body)
    const { text } = await get('/metrics')
    const exposed = [...text.matchAll(/^# TYPE (vxtap_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    expect(exposed.sort()).toEqual(
      Object.values(injectorMetrics)
        .map(({ name, type }) => `${name} ${type}`)
        .sort(),
    )
  })

  it('has as many decision series as there are reasons, whatever is asked', async () => {
    served = await serveInjector()
    for (let index = 0; index < 50; index++) {
      await served.post(
        JSON.stringify(review(pod({ labels: { 'vxtap.io/inject': `value-${index}` } }), { namespace: `ns-${index}` })),
      )
    }
    const series = [...(await get('/metrics')).text.matchAll(/^vxtap_injector_decisions_total\{/gm)]
    expect(series).toHaveLength(Object.keys(injectionReasons).length)
  })

  it('is alive before it is ready, and ready once the cluster was seen', async () => {
    let seen = false
    served = await serveInjector({}, () => ({
      view: {
        namespace: (name) => ({ name, labels: undefined, annotations: undefined }),
        facts: () => ({ nativeSidecars: true }),
      },
      tell: () => undefined,
      settingsChanged: () => undefined,
      synced: () => seen,
      stop: () => undefined,
    }))
    expect((await get('/healthz')).status).toBe(200)
    expect(await get('/readyz')).toEqual({ status: 503, text: 'the namespaces and nodes are not listed yet\n' })
    seen = true
    expect((await get('/readyz')).status).toBe(200)
  })
})

describe('when it is told to stop', () => {
  it('is no longer ready, goes on answering for the drain time, and asks for connections to be closed', async () => {
    const served = await serveInjector({ DRAIN_SECONDS: '4' })
    expect((await served.post(body)).connection).toBe('keep-alive')
    const stopped = served.dispose.bind(served)
    const stopping = served.stop()
    await sleep(100)
    const ready = await fetch(`http://127.0.0.1:${served.metricsPort}/readyz`)
    expect(ready.status).toBe(503)
    const during = await served.post(body)
    expect([during.status, during.connection]).toEqual([200, 'close'])
    await stopping
    await expect(served.post(body)).rejects.toThrow()
    await stopped()
  })
})
