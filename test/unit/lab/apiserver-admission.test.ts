/** A webhook behind real TLS: when it is called, with what, and what becomes of its answer. */
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Webhook } from '../../../lab/apiserver/admission.ts'
import type { Pod } from '../../../lab/apiserver/objects.ts'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import { createAuthority } from '../../../lab/certificates.ts'
import { clientOf } from './client.ts'

interface Review {
  readonly request: { readonly uid: string; readonly object: Pod; readonly [field: string]: unknown }
}

type Answer = (review: Review) => Record<string, unknown> | undefined

const add = (path: string, value: unknown): Record<string, unknown> => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify([{ op: 'add', path, value }])).toString('base64'),
})

describe('mutating admission', () => {
  const authority = createAuthority('webhook-ca')
  let api: ApiServer
  let server: https.Server
  let reviews: Review[]
  let targets: string[]
  let answer: Answer

  beforeEach(async () => {
    reviews = []
    targets = []
    answer = () => ({ allowed: true })
    const leaf = authority.issue({ commonName: 'hook', names: ['127.0.0.1', 'hook.system.svc'] })
    server = https.createServer({ key: leaf.key, cert: leaf.certificate }, (request, response) => {
      void bodyOf(request).then((text) => {
        const review = JSON.parse(text) as Review
        reviews.push(review)
        targets.push(`${request.headers.host} ${request.url}`)
        const given = answer(review)
        if (given === undefined) return
        const body = {
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: review.request.uid, ...given },
        }
        response.end(JSON.stringify(body))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    api = await startApiServer({
      namespaces: ['shop'],
      resolveService: (name) => (name === 'hook' ? { host: '127.0.0.1', port } : undefined),
    })
  })
  afterEach(async () => {
    await api.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const register = (fields: Partial<Webhook> = {}): Promise<void> =>
    api.registerWebhook({
      metadata: { name: 'hooks' },
      webhooks: [
        {
          name: 'tap.example.io',
          clientConfig: {
            url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/mutate`,
            caBundle: Buffer.from(authority.certificate).toString('base64'),
          },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          timeoutSeconds: 1,
          ...fields,
        },
      ],
    })
  const pod = (labels: Record<string, string> = {}): Pod => ({
    metadata: { generateName: 'web-', namespace: 'shop', labels },
    spec: { containers: [{ name: 'app', image: 'app:1' }] },
  })

  it('is asked with a review as the real server sends it', async () => {
    await register()
    await api.pods.create(pod())
    expect(reviews[0]?.request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'shop',
      operation: 'CREATE',
      oldObject: null,
      dryRun: false,
    })
    expect(reviews[0]?.request['name']).toBeUndefined()
    expect(reviews[0]?.request.object.metadata).toMatchObject({ generateName: 'web-', namespace: 'shop' })
    expect(reviews[0]?.request.object.metadata?.uid).toBeUndefined()
    expect(targets[0]).toMatch(/^127\.0\.0\.1:\d+ \/mutate\?timeout=1s$/)
  })

  it('when it adds a container, then the container is there, defaulted, and has the token mounted', async () => {
    await register()
    answer = () => add('/spec/initContainers', [{ name: 'tap', image: 'tap:1', restartPolicy: 'Always' }])
    const created = await api.pods.create(pod())
    expect(created.spec?.initContainers?.[0]).toMatchObject({
      name: 'tap',
      restartPolicy: 'Always',
      imagePullPolicy: 'IfNotPresent',
      volumeMounts: [{ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
    })
    expect(created.spec?.volumes).toHaveLength(1)
  })

  it('shows warnings to the client and records audit annotations', async () => {
    await register()
    answer = () => ({ allowed: true, warnings: ['no "sensor" here'], auditAnnotations: { decision: 'skipped' } })
    const admin = clientOf(api, api.adminToken)
    const reply = await admin('POST', '/api/v1/namespaces/shop/pods', pod())
    expect(reply.headers['warning']).toBe('299 - "no \\"sensor\\" here"')
    expect(api.admissions[0]).toMatchObject({
      webhook: 'tap.example.io',
      pod: 'web-*',
      allowed: true,
      auditAnnotations: { 'tap.example.io/decision': 'skipped' },
    })
  })

  it('asks only where rules and both selectors match', async () => {
    await api.namespaces.apply({ metadata: { name: 'watched', labels: { tap: 'yes' } } })
    await register({
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['shop'] }],
      },
      objectSelector: { matchLabels: { tap: 'yes' } },
    })
    await api.pods.create(pod({ tap: 'yes' }))
    await api.pods.create({ ...pod(), metadata: { name: 'a', namespace: 'watched' } })
    expect(reviews).toHaveLength(0)
    await api.pods.create({ ...pod(), metadata: { name: 'b', namespace: 'watched', labels: { tap: 'yes' } } })
    expect(reviews).toHaveLength(1)
    await register({ rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods'] }] })
    await api.pods.create(pod())
    expect(reviews).toHaveLength(1)
  })

  it('when it denies, then the pod is refused with its words', async () => {
    await register()
    answer = () => ({ allowed: false, status: { message: 'not today', code: 403, reason: 'Forbidden' } })
    const reply = await clientOf(api, api.adminToken)('POST', '/api/v1/namespaces/shop/pods', pod())
    expect(reply.status).toBe(403)
    expect(reply.body.message).toBe('admission webhook "tap.example.io" denied the request: not today')
    expect(api.pods.list('shop')).toEqual([])
  })

  it.each([
    ['does not answer in time', (): undefined => undefined, /context deadline exceeded/],
    ['answers for another review', () => ({ uid: 'other', allowed: true }), /expected response.uid=/],
    ['patches in an unknown language', () => ({ allowed: true, patch: 'W10=', patchType: 'Merge' }), /patchType Merge/],
  ])('when it %s, then the failure policy decides', async (_, given, why) => {
    answer = given
    await register({ failurePolicy: 'Ignore' })
    await api.pods.create(pod())
    expect(api.admissions[0]?.error).toMatch(why)
    await register({ failurePolicy: 'Fail' })
    await expect(api.pods.create(pod())).rejects.toThrow(
      /^Internal error occurred: failed calling webhook "tap.example.io"/,
    )
    expect(api.pods.list('shop')).toHaveLength(1)
  })

  it('when its certificate is not signed by the caBundle, then the call has failed', async () => {
    const { port } = server.address() as AddressInfo
    const caBundle = Buffer.from(createAuthority('other').certificate).toString('base64')
    await register({ clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle }, failurePolicy: 'Ignore' })
    await api.pods.create(pod())
    expect(reviews).toHaveLength(0)
    expect(api.admissions[0]?.error).toMatch(/certificate/)
  })

  it('given a patch that does not apply, then refuses the pod even with failurePolicy Ignore, as the real server does', async () => {
    await register({ failurePolicy: 'Ignore' })
    answer = () => add('/spec/absent/deep', 1)
    await expect(api.pods.create(pod())).rejects.toMatchObject({ status: { code: 500, reason: 'InternalError' } })
  })

  it('given a service instead of a url, then calls it under its own name', async () => {
    const caBundle = Buffer.from(authority.certificate).toString('base64')
    await register({ clientConfig: { service: { name: 'hook', namespace: 'system', path: '/mutate' }, caBundle } })
    await api.pods.create(pod())
    expect(targets).toEqual(['hook.system.svc /mutate?timeout=1s'])
  })

  it('asks once more, where that is wanted and another webhook has changed the pod since', async () => {
    await register({ reinvocationPolicy: 'IfNeeded' })
    const { webhooks = [] } = api.webhooks.get('', 'hooks')
    await api.registerWebhook({
      metadata: { name: 'hooks' },
      webhooks: [webhooks[0]!, { ...webhooks[0]!, name: 'second' }],
    })
    let calls = 0
    answer = () => {
      calls += 1
      return calls === 2 ? add('/metadata/annotations', { second: 'was here' }) : { allowed: true }
    }
    await api.pods.create(pod())
    expect(api.admissions.map(({ webhook, reinvocation }) => [webhook, reinvocation])).toEqual([
      ['tap.example.io', false],
      ['second', false],
      ['tap.example.io', true],
    ])
  })

  it('given a dry run, then says so to the webhook and keeps nothing', async () => {
    await register()
    await clientOf(api, api.adminToken)('POST', '/api/v1/namespaces/shop/pods?dryRun=All', pod())
    expect(reviews[0]?.request['dryRun']).toBe(true)
    expect(api.pods.list()).toEqual([])
  })
})

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
