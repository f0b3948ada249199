import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiServer, startApiServer } from '../../../lab/apiserver/server.ts'
import { type Client, clientOf, watch } from './client.ts'

describe('given the embedded API server with a pod', () => {
  let api: ApiServer
  let admin: Client
  beforeAll(async () => {
    api = await startApiServer({
      podProxy: async (pod, port, path) =>
        port === 80 ? { status: 418, text: JSON.stringify({ pod: pod.metadata.name, path }) } : undefined,
    })
    admin = clientOf(api, api.adminToken)
    await api.pods.create({ metadata: { name: 'a', labels: { x: 'y' } }, spec: { containers: [{ name: 'a' }] } })
  })
  afterAll(() => api.close())
  const pods = '/api/v1/namespaces/default/pods'

  it('when its proxy is asked, then the pod’s own answer comes back, status included', async () => {
    const { status, body } = await admin('GET', `${pods}/a:80/proxy/deep/path`)
    expect({ status, body }).toEqual({ status: 418, body: { pod: 'a', path: '/deep/path' } })
  })

  it('when nothing listens there, or there is no such pod, then a Status says so', async () => {
    const refused = await admin('GET', `${pods}/a:81/proxy/metrics`)
    expect(refused).toMatchObject({ status: 503, body: { kind: 'Status', reason: 'ServiceUnavailable' } })
    expect((await admin('GET', `${pods}/b:80/proxy/metrics`)).status).toBe(404)
  })

  it('when a service account may get pods only, then the proxy is forbidden', async () => {
    const serviceAccount = 'default/viewer'
    api.grant({ serviceAccount, namespace: 'default', verbs: ['get'], resource: 'pods' })
    const viewer = clientOf(api, api.issueToken(serviceAccount))
    expect((await viewer('GET', `${pods}/a`)).status).toBe(200)
    expect((await viewer('GET', `${pods}/a:80/proxy/metrics`)).status).toBe(403)
  })

  it('when metadata alone is asked for, then a list has nothing else, and others have whole objects', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
    const { body } = await admin('GET', pods, undefined, { accept })
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 'a' } }] })
    expect(Object.keys(body.items[0] ?? {}).sort()).toEqual(['apiVersion', 'kind', 'metadata'])
    const whole = await watch(api, api.adminToken, `${pods}?watch=1&resourceVersion=0`)
    expect((await whole.until(1))[0]?.object).toHaveProperty('spec')
    whole.close()
  })
})
