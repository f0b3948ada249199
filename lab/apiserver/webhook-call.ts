/** One call of one admission webhook: AdmissionReview v1 over HTTP/1.1 and TLS, verified against its caBundle. */
import { randomUUID } from 'node:crypto'
import https from 'node:https'

export interface WebhookClientConfig {
  url?: string
  service?: { name: string; namespace: string; path?: string; port?: number }
  /** base64 of PEM */
  caBundle?: string
}

export interface AdmissionAnswer {
  readonly allowed: boolean
  readonly status?: { message?: string; code?: number; reason?: string }
  /** The decoded JSON Patch. */
  readonly patch?: unknown
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
}

/** Where the service of a webhook listens, as seen by this process. */
export type ServiceResolver = (
  name: string,
  namespace: string,
  port: number,
) => { host: string; port: number } | undefined

/** @throws {Error} for whatever the failure policy decides about: transport, timeout, status, an answer that cannot be read */
export async function callWebhook(
  config: WebhookClientConfig,
  request: Record<string, unknown>,
  timeoutSeconds: number,
  resolveService: ServiceResolver,
): Promise<AdmissionAnswer> {
  const uid = randomUUID()
  const review = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: { uid, ...request } }
  const destination = destinationOf(config, resolveService)
  destination.url.searchParams.set('timeout', `${timeoutSeconds}s`)
  const text = await post(destination, config.caBundle, JSON.stringify(review), timeoutSeconds * 1000)
  return readAnswer(text, uid)
}

interface Destination {
  readonly url: URL
  readonly connectTo: { host: string; port: number } | undefined
}

function destinationOf(config: WebhookClientConfig, resolveService: ServiceResolver): Destination {
  if (config.url !== undefined) return { url: new URL(config.url), connectTo: undefined }
  if (config.service === undefined) throw new Error('clientConfig has neither url nor service')
  const { name, namespace, path = '/', port = 443 } = config.service
  const connectTo = resolveService(name, namespace, port)
  if (connectTo === undefined) throw new Error(`service "${name}" not found`)
  return { url: new URL(path, `https://${name}.${namespace}.svc:${port}`), connectTo }
}

function post(to: Destination, caBundle: string | undefined, body: string, timeoutMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const failed = (why: string): void => reject(new Error(`Post "${to.url.href}": ${why}`))
  const host = to.connectTo?.host ?? to.url.hostname.replace(/^\[|\]$/g, '')
  const request = https.request(
    {
      method: 'POST',
      host,
      port: to.connectTo?.port ?? (Number(to.url.port) || 443),
      path: `${to.url.pathname}${to.url.search}`,
      ...(to.connectTo === undefined ? {} : { servername: to.url.hostname }),
      ...(caBundle === undefined ? {} : { ca: Buffer.from(caBundle, 'base64') }),
      agent: false,
      headers: {
        host: to.url.host,
        'content-type': 'application/json',
        accept: 'application/json, */*',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'kube-apiserver-admission',
      },
    },
    (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', (error) => failed(error.message))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        if (response.statusCode === 200) resolve(text)
        else failed(`the server answered ${response.statusCode}: ${text.slice(0, 200)}`)
      })
    },
  )
  const timer = setTimeout(() => {
    failed('context deadline exceeded')
    request.destroy()
  }, timeoutMs)
  request.on('close', () => clearTimeout(timer))
  request.on('error', (error) => failed(error.message))
  request.end(body)
  return promise
}

function readAnswer(text: string, uid: string): AdmissionAnswer {
  const review = JSON.parse(text) as { apiVersion?: string; kind?: string; response?: Record<string, unknown> }
  if (review.apiVersion !== 'admission.k8s.io/v1' || review.kind !== 'AdmissionReview') {
    throw new Error(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${review.apiVersion}, Kind=${review.kind}`,
    )
  }
  const response = review.response
  if (response === undefined) throw new Error('webhook response is absent')
  if (response['uid'] !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${response['uid']}`)
  const { patch, patchType } = response
  if (patch !== undefined && patchType !== 'JSONPatch') throw new Error(`webhook returned patchType ${patchType}`)
  return {
    allowed: response['allowed'] === true,
    ...(response['status'] === undefined ? {} : { status: response['status'] as { message?: string } }),
    ...(typeof patch === 'string' ? { patch: JSON.parse(Buffer.from(patch, 'base64').toString()) as unknown } : {}),
    warnings: (response['warnings'] as string[] | undefined) ?? [],
    auditAnnotations: (response['auditAnnotations'] as Record<string, string> | undefined) ?? {},
  }
}
