import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { dropReasons } from '../../../contract/drop-reasons.ts'
import type { RefusalCode } from '../../../contract/mirror-refusals.ts'
import { sidecarMetrics } from '../../../contract/sidecar-metrics.ts'
import type { ListenAddress } from '../../../contract/sidecar-settings.ts'
import { Counters } from '../../../sidecar/counters.ts'
import { type Health, type Observed, serve } from '../../../sidecar/http.ts'
import { answerOf } from '../../support/own-process.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function given(
  health: Partial<Health> = {},
  address: ListenAddress = { host: '127.0.0.1', port: 0 },
  refusal?: RefusalCode,
) {
  const counters = new Counters()
  let refreshed = 0
  const observed: Observed = {
    counters,
    version: '1.2.3',
    engineName: () => 'ring',
    health: () => ({ healthy: true, ready: true, released: true, sentence: 'capturing eth0', ...health }),
    refusal: () => refusal,
    targetCount: () => 2,
    paths: () => [{ name: 'sensors/zeek-0', mtu: 1450, batch: 'gso' }],
    discoveryRequests: () => [['watch', 'ok', 3]],
    refresh: () => {
      refreshed++
    },
  }
  const server = await serve(address, observed)
  if (server instanceof Error) throw server
  open.push(server)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(url + path, { method })
    return { status: response.status, text: await response.text() }
  }
  return { counters, get, server, refreshed: () => refreshed }
}

describe('given a sidecar at work', () => {
  it('when the kernel cannot accept a connection, then the sidecar goes on and answers the next', async () => {
    const { get, server } = await given()
    server.emit('error', new Error('accept ENOMEM'))
    expect((await get('/healthz')).status).toBe(200)
  })

  it('when Prometheus scrapes, then every metric of the table is there with its help and type, and no other', async () => {
    const { get } = await given()
    const { text } = await get('/metrics')
    const announced = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    expect(announced.sort()).toEqual(
      Object.values(sidecarMetrics)
        .map(({ name, type }) => `${name} ${type}`)
        .sort(),
    )
  })

  it('when the kernel does not mirror, then a metric says why; and there is none where nothing is refused', async () => {
    const refused = await given({}, { host: '127.0.0.1', port: 0 }, 'same_node')
    expect((await refused.get('/metrics')).text).toContain('vxtap_kernel_mirror_refused{reason="same_node"} 1\n')
    expect((await (await given()).get('/metrics')).text).not.toMatch(/^vxtap_kernel_mirror_refused/m)
  })

  it('when it is scraped twice, then counters show what they are and are not added up', async () => {
    const { counters, get, refreshed } = await given()
    counters.capturedFrames = 12
    counters.sentFrames = 9
    counters.dropped.no_sensor = 3
    counters.countSendError('ECONNREFUSED')
    counters.countRefusedBatch('EIO')
    await get('/metrics')
    const { text } = await get('/metrics')
    expect(refreshed()).toBe(2)
    for (const line of [
      'vxtap_captured_frames_total 12',
      'vxtap_sent_frames_total 9',
      'vxtap_dropped_frames_total{reason="no_sensor"} 3',
      'vxtap_send_errors_total{errno="ECONNREFUSED"} 1',
      'vxtap_path_mtu_bytes{sensor="sensors/zeek-0"} 1450',
      'vxtap_discovery_requests_total{request="watch",result="ok"} 3',
      'vxtap_targets 2',
      'vxtap_target_batch{sensor="sensors/zeek-0",batch="gso"} 1',
      'vxtap_batches_refused_total{errno="EIO"} 1',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
  })

  it('when nothing was dropped yet, then every reason is there with 0, so that alerts can be written', async () => {
    const { get } = await given()
    const { text } = await get('/metrics')
    for (const reason of Object.keys(dropReasons))
      expect(text).toContain(`vxtap_dropped_frames_total{reason="${reason}"} 0`)
  })

  it('when asked for its health, then it tells its state in words', async () => {
    const { get } = await given()
    expect(await get('/healthz')).toEqual({ status: 200, text: 'capturing eth0\n' })
  })
})

it('given that the first look for a sensor is not answered yet, when asked, then it is healthy but not ready', async () => {
  const { get } = await given({ ready: false })
  expect([(await get('/healthz')).status, (await get('/readyz')).status]).toEqual([200, 503])
})

it('given no interface, when asked, then it is not healthy', async () => {
  const { get } = await given({ healthy: false, ready: false, sentence: 'waiting for eth0' })
  expect(await get('/healthz')).toEqual({ status: 503, text: 'waiting for eth0\n' })
})

// The kubelet's probes and Prometheus come to an address of the pod, of whichever family.
it('given a METRICS_ADDRESS without a host, when asked over IPv6 or IPv4, then answers', async () => {
  const { server } = await given({}, { host: undefined, port: 0 })
  const { port } = server.address() as AddressInfo
  for (const host of ['[::1]', '127.0.0.1']) {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect((await fetch(`http://${host}:${port}${path}`)).status).toBe(200)
    }
  }
})

it('given other requests, when they come, then they get an answer that says what is served', async () => {
  const { get } = await given()
  expect((await get('/nothing')).status).toBe(404)
  expect((await get('/metrics', 'POST')).status).toBe(405)
})

it('given a port that is taken, when the server starts, then the error is a value', async () => {
  const { server } = await given()
  const again = await serve({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, {
    counters: new Counters(),
  } as Observed)
  expect(again).toBeInstanceOf(Error)
})

describe('given a process that serves metrics', () => {
  it('when all is loaded for it, then what nothing here needs is not: each tapped pod pays for it', () => {
    const module = new URL('../../../sidecar/http.ts', import.meta.url).href
    const loaded: string[] = answerOf(`await import('${module}'); console.log(JSON.stringify(process.moduleLoadList))`)
    expect(loaded).toContain('NativeModule http')
    for (const name of ['internal/deps/undici/undici', 'http2', 'https', 'cluster'])
      expect(loaded).not.toContain(`NativeModule ${name}`)
  })
})
