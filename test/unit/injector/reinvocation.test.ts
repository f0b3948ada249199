/** The injector behind an API server, followed by another webhook that does not know what it meddles with. */
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Webhook } from '../../../lab/apiserver/admission.ts'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { type ServedInjector, serveInjector } from '../../support/injector-server.ts'

interface Container {
  name: string
  image: string
  restartPolicy?: string
  [field: string]: unknown
}

type Meddle = (initContainers: readonly Container[]) => readonly Container[]

const ownFirst: Container = { name: 'own', image: 'own:1' }

describe('given another webhook after the injector', () => {
  const certificate = makeCertificate()
  let injector: ServedInjector
  let meddler: https.Server
  let meddle: Meddle
  let api: ApiServer

  beforeEach(async () => {
    injector = await serveInjector()
    meddler = https.createServer(certificate, (request, response) => {
      void request.toArray().then((chunks) => {
        const review = JSON.parse(Buffer.concat(chunks).toString())
        const value = meddle(review.request.object.spec.initContainers ?? [])
        const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/spec/initContainers', value }])).toString(
          'base64',
        )
        const answer = { uid: review.request.uid, allowed: true, patchType: 'JSONPatch', patch }
        response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: answer }))
      })
    })
    await new Promise<void>((resolve) => meddler.listen(0, '127.0.0.1', resolve))
    api = await startApiServer({ namespaces: ['shop'] })
    const webhook = (name: string, port: number, ca: string, fields: Partial<Webhook> = {}): Webhook => ({
      name,
      clientConfig: { url: `https://127.0.0.1:${port}/mutate`, caBundle: Buffer.from(ca).toString('base64') },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      ...fields,
    })
    await api.registerWebhook({
      metadata: { name: 'hooks' },
      webhooks: [
        webhook('pod.inject.vxtap.io', injector.port, injector.certificate.cert, { reinvocationPolicy: 'IfNeeded' }),
        webhook('meddler.example.io', (meddler.address() as AddressInfo).port, certificate.cert),
      ],
    })
  })
  afterEach(async () => {
    await api.close()
    meddler.closeAllConnections()
    await new Promise((resolve) => meddler.close(resolve))
    await injector.dispose()
  })

  async function created(): Promise<{ initContainers: readonly Container[]; decisions: unknown[] }> {
    const pod = await api.pods.create({
      metadata: { name: 'web', namespace: 'shop', labels: { 'vxtap.io/inject': 'true' } },
      spec: { containers: [{ name: 'app', image: 'app:1' }] },
    })
    const initContainers = (pod.spec?.initContainers ?? []) as unknown as readonly Container[]
    return { initContainers, decisions: injector.log.map(({ reason }) => reason) }
  }

  it('that puts its own container first, the sidecar stays where it was put', async () => {
    meddle = (list) => [ownFirst, ...list]
    const { initContainers, decisions } = await created()
    expect(initContainers.map(({ name }) => name)).toEqual(['own', 'vxtap'])
    expect(decisions).toEqual(['injected', 'already_injected'])
  })

  it('that takes the image from another registry, the image stays as it wants', async () => {
    meddle = (list) => list.map((container) => ({ ...container, image: `mirror.example.com/${container.image}` }))
    const { initContainers, decisions } = await created()
    expect(initContainers.map(({ image }) => image)).toEqual(['mirror.example.com/example.com/vxtap:9.9.9'])
    expect(decisions).toEqual(['injected', 'already_injected'])
  })

  it('that drops restartPolicy, which it does not know, the sidecar gets it back and the author is told', async () => {
    meddle = (list) => [ownFirst, ...list.map(({ restartPolicy: _, ...rest }) => rest)]
    const { initContainers, decisions } = await created()
    expect(initContainers.map(({ name, restartPolicy }) => [name, restartPolicy])).toEqual([
      ['own', undefined],
      ['vxtap', 'Always'],
    ])
    expect(decisions).toEqual(['injected', 'restart_policy_restored'])
    expect(api.admissions.flatMap(({ warnings }) => warnings).join()).toContain('restart_policy_restored')
  })

  it('that throws the sidecar out, it is put in again, once', async () => {
    meddle = (list) => list.filter(({ name }) => name !== 'vxtap')
    const { initContainers, decisions } = await created()
    expect(initContainers.map(({ name }) => name)).toEqual(['vxtap'])
    expect(decisions).toEqual(['injected', 'injected'])
  })

  it('that wraps every command, the sidecar is still known for what it is', async () => {
    meddle = (list) =>
      list.map((container) => ({
        ...container,
        command: ['/wrap/env'],
        args: ['node', ...((container['args'] as string[]) ?? []), '--wrapped'],
      }))
    const { initContainers, decisions } = await created()
    expect(initContainers).toHaveLength(1)
    expect(decisions).toEqual(['injected', 'already_injected'])
  })
})
