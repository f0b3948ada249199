import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, describe, expect, it } from 'vitest'
import { eachPage } from '../../../injector/cluster/pages.ts'
import { ApiError, createRest, metadataOnly, type Rest } from '../../../injector/cluster/rest.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { kubeconfigOf } from '../../support/status-cluster.ts'

const certificate = makeCertificate()
const opened: (() => void)[] = []
afterEach(() => {
  for (const close of opened.splice(0)) close()
})

async function restOf(listener: RequestListener): Promise<Rest & { readonly connections: () => number }> {
  const server = createServer(certificate, listener)
  let connections = 0
  server.on('secureConnection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const kubeConfig = new KubeConfig()
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  kubeConfig.loadFromString(kubeconfigOf({ url, ca: certificate.cert.toString() }, 'secret'))
  const rest = createRest(kubeConfig)
  opened.push(() => {
    rest.close()
    server.close()
    server.closeAllConnections()
  })
  return { ...rest, connections: () => connections }
}

describe('a request', () => {
  it('carries the token, the query and what it accepts, on a connection that is kept', async () => {
    const seen: unknown[] = []
    const rest = await restOf(({ url, headers: { authorization, accept } }, response) => {
      seen.push({ url, authorization, accept })
      response.end('{"kind":"PodList"}')
    })
    const asking = {
      query: { limit: 5, labelSelector: '!vxtap.io/inject', continue: undefined },
      accept: metadataOnly.list,
    }
    expect(await rest.get('/api/v1/pods', asking)).toEqual({ kind: 'PodList' })
    await rest.get('/api/v1/pods')
    expect(seen).toEqual([
      {
        url: '/api/v1/pods?limit=5&labelSelector=%21vxtap.io%2Finject',
        authorization: 'Bearer secret',
        accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      },
      { url: '/api/v1/pods', authorization: 'Bearer secret', accept: 'application/json' },
    ])
    expect(rest.connections()).toBe(1)
  })

  it('that is refused rejects with the API server’s words', async () => {
    const rest = await restOf((_request, response) => response.writeHead(403).end('{"kind":"Status","message":"no"}'))
    const error = await rest.get('/x').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 403, message: 'no' })
    expect(await rest.text('/x')).toEqual({ status: 403, text: '{"kind":"Status","message":"no"}' })
    await expect(rest.lines('/x', () => undefined)).rejects.toThrow('no')
  })

  it('that is answered with a web page rejects with its beginning', async () => {
    const rest = await restOf((_request, response) => response.writeHead(502).end('<html>bad gateway'))
    await expect(rest.get('/x')).rejects.toThrow('<html>bad gateway')
  })

  it('that is not answered in time rejects, and one that was given up, too', async () => {
    const rest = await restOf(() => undefined)
    await expect(rest.get('/x', { timeoutMs: 50 })).rejects.toThrow('the API server did not answer in time')
    const stop = new AbortController()
    const asked = rest.get('/x', { signal: stop.signal })
    stop.abort()
    await expect(asked).rejects.toThrow('aborted')
  })
})

describe('a stream', () => {
  it('is read line by line, however it is cut, until its end', async () => {
    const rest = await restOf((_request, response) => {
      response.write('{"a":1}\n{"b"')
      setTimeout(() => response.end(':2}\n\n'), 20)
    })
    const lines: string[] = []
    await rest.lines('/x', (line) => lines.push(line))
    expect(lines).toEqual(['{"a":1}', '{"b":2}'])
  })

  it('that breaks rejects', async () => {
    const rest = await restOf((_request, response) => {
      response.write('{"a":1}\n')
      setTimeout(() => response.destroy(), 20)
    })
    await expect(rest.lines('/x', () => undefined)).rejects.toThrow()
  })

  it('does not take a connection from the requests', async () => {
    const rest = await restOf((request, response) => {
      if (request.url === '/watch') response.flushHeaders()
      else response.end('{}')
    })
    const stop = new AbortController()
    const watches = Array.from({ length: 40 }, () =>
      rest.lines('/watch', () => undefined, { signal: stop.signal }).catch(() => 'ended'),
    )
    expect(await rest.get('/x')).toEqual({})
    stop.abort()
    expect(new Set(await Promise.all(watches))).toEqual(new Set(['ended']))
  })
})

describe('a list', () => {
  it('is taken page by page, to the last', async () => {
    const asked: (string | undefined)[] = []
    const rest = await restOf(({ url }, response) => {
      asked.push(url)
      const last = url?.includes('continue=more')
      response.end(
        JSON.stringify({
          metadata: last ? { resourceVersion: '7' } : { continue: 'more' },
          items: [{ n: asked.length }],
        }),
      )
    })
    const pages: unknown[] = []
    expect(await eachPage(rest, '/api/v1/pods', { labelSelector: 'a=b' }, (items) => pages.push(items))).toBe('7')
    expect(pages).toEqual([[{ n: 1 }], [{ n: 2 }]])
    expect(asked).toEqual([
      '/api/v1/pods?labelSelector=a%3Db&limit=100',
      '/api/v1/pods?labelSelector=a%3Db&limit=100&continue=more',
    ])
    await eachPage(rest, '/api/v1/pods', { metadata: true }, () => undefined)
    expect(asked[2]).toBe('/api/v1/pods?limit=500')
  })
})
