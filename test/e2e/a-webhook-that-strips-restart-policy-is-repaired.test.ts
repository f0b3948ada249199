import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority } from '../../lab/certificates.ts'
import { nativeSidecars } from './world/abilities.ts'
import { image } from './world/images.ts'
import { apply, kubectl, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { sidecarOf } from './world/tap.ts'
import { pod } from './world/workloads.ts'

const namespace = useNamespace('stripped', { labels: { 'vxtap.io/inject': 'true', strip: 'true' } })
const place = useNamespace('stripper', {}, [])
const host = `stripper.${place}.svc`

/** Takes restartPolicy away from every init container, as a webhook does that was built before there was one. */
const program = `
const fs = require('fs')
const server = require('https').createServer({ cert: fs.readFileSync('/tls/tls.crt'), key: fs.readFileSync('/tls/tls.key') }, (request, response) => {
  let body = ''
  request.on('data', (chunk) => { body += chunk })
  request.on('end', () => {
    const review = JSON.parse(body)
    const init = review.request.object.spec.initContainers ?? []
    const patch = init.flatMap((container, index) =>
      container.restartPolicy ? [{ op: 'remove', path: '/spec/initContainers/' + index + '/restartPolicy' }] : [])
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ ...review, request: undefined, response: {
      uid: review.request.uid, allowed: true,
      ...(patch.length > 0 ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') } : {}),
    } }))
  })
})
server.listen(8443, '::')
`

describe('given another webhook that runs later and does not know restartPolicy', () => {
  beforeAll(async () => {
    const authority = createAuthority('stripper')
    const pair = authority.issue({ commonName: host, names: [host] })
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'stripper', namespace: place },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': pair.certificate, 'tls.key': pair.key },
    }
    const container = {
      name: 'stripper',
      image,
      command: ['node', '-e', program],
      readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
      volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
    }
    const volumes = [{ name: 'tls', secret: { secretName: 'stripper' } }]
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'stripper', namespace: place },
      spec: { selector: { app: 'stripper' }, ports: [{ port: 443, targetPort: 8443 }] },
    }
    await apply(
      secret,
      service,
      pod({ name: 'stripper', namespace: place, labels: { app: 'stripper' } }, container, { volumes }),
    )
    await ready(place, 'stripper')
    await apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      // Webhooks run in the order of their configurations' names.
      metadata: { name: 'zz-stripper' },
      webhooks: [
        {
          name: 'strip.vxtap.test',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          namespaceSelector: { matchLabels: { strip: 'true' } },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          clientConfig: {
            service: { name: 'stripper', namespace: place },
            caBundle: Buffer.from(authority.certificate).toString('base64'),
          },
        },
      ],
    })
  })
  afterAll(async () => {
    await kubectl(['delete', 'mutatingwebhookconfiguration', 'zz-stripper'])
  })

  it('when the sidecar is not native, then there is nothing to strip, and the pod starts', async () => {
    const annotations = { 'vxtap.io/native-sidecar': 'never' }
    expect(await apply(pod({ name: 'ordinary', namespace, annotations }))).not.toContain('Warning')
    expect(sidecarOf(await ready(namespace, 'ordinary'))).toBeDefined()
  })

  if (nativeSidecars)
    it('when a pod is tapped, then the injector is asked again, puts it back, and says so; the pod starts', async () => {
      const said = await apply(pod({ name: 'web', namespace }))
      expect(said).toMatch(/Warning: vxtap: .*another webhook removed restartPolicy/)
      expect(sidecarOf(await ready(namespace, 'web'))?.restartPolicy).toBe('Always')
    })
})
