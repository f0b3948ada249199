/**
 * The webhook over HTTPS. Its settings are those that an API server needs at the other end
 * (kubernetes/apiserver pkg/util/webhook/client.go): Go keeps idle connections for 90 s, so ours live longer, or a
 * request would meet a connection that is just being closed.
 */
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import type { CertificatePair } from './certificates.ts'
import { type ClusterView, type Handled, handle } from './handle.ts'
import type { Json } from './json.ts'
import type { InjectorMetrics } from './metrics.ts'
import type { Notice } from './notice.ts'
import type { InjectionConfig } from './plan.ts'

const keepAliveTimeoutMs = 100_000
const requestTimeoutMs = 30_000
// The API server takes objects of up to 3 MiB; as JSON, and with the old object beside it, a review is larger.
const bodyLimitBytes = 7 * 1024 * 1024
const minimumTls = 'TLSv1.2'

export interface WebhookDependencies {
  readonly config: InjectionConfig
  readonly cluster: ClusterView
  readonly metrics: InjectorMetrics
  readonly log: Logger
  /** Tells the owner of a pod what was decided about it; does not wait for anything. */
  readonly tell: (notice: Notice) => void
  /** True from SIGTERM on: connections are closed after the answer, so that the API server takes another replica. */
  readonly draining: () => boolean
}

export interface WebhookServer {
  readonly app: FastifyInstance
  /** New connections get the new certificate; open ones live on with the old. */
  useCertificate(pair: CertificatePair): void
}

/** Preconditions: the certificate was checked (`loadCertificate`). Listens nowhere yet. */
export function createWebhookServer(certificate: CertificatePair, dependencies: WebhookDependencies): WebhookServer {
  const { metrics, draining } = dependencies
  const app = Fastify({
    https: { cert: certificate.cert, key: certificate.key, minVersion: minimumTls },
    logger: false,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: requestTimeoutMs,
    bodyLimit: bodyLimitBytes,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
  })

  app.post<{ Body: Json }>('/mutate', (request, reply) => answer(request.body, reply, dependencies))
  app.addHook('onSend', async (_request, reply) => {
    if (draining()) reply.header('connection', 'close')
  })
  app.setNotFoundHandler((request, reply) => {
    const problem = `${request.method} ${request.url.slice(0, 100)} is not served; the webhook is POST /mutate`
    return refuse(reply, metrics, 404, problem)
  })
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500
    return refuse(reply, metrics, status, sentenceFor(error, status))
  })
  return {
    app: app as unknown as FastifyInstance,
    useCertificate: (pair) => app.server.setSecureContext({ cert: pair.cert, key: pair.key, minVersion: minimumTls }),
  }
}

function answer(body: Json, reply: FastifyReply, { cluster, config, metrics, log, tell }: WebhookDependencies) {
  const started = performance.now()
  const handled: Handled = handle(body, cluster, config)
  if (handled.status !== 200) return refuse(reply, metrics, handled.status, handled.problem)
  metrics.decided(handled.record.reason, (performance.now() - started) / 1000)
  const { sentence, ...fields } = handled.record
  log.info(fields, sentence)
  if (handled.notice) tell(handled.notice)
  return reply.send(handled.answer)
}

function refuse(reply: FastifyReply, metrics: InjectorMetrics, status: number, problem: string) {
  metrics.refused(status)
  return reply.code(status).send({ error: problem })
}

function sentenceFor(error: FastifyError, status: number): string {
  if (status === 413) return `the body is larger than ${bodyLimitBytes} bytes`
  if (status === 415) return 'the content type is not application/json'
  if (status >= 500) return 'the injector failed'
  if (error.code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return 'the body is empty; an AdmissionReview is expected'
  // Fastify tells the two apart no more than this.
  if (error.code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return 'the body is not JSON, or has a key that changes prototypes (__proto__, constructor.prototype)'
  }
  return `the request cannot be read: ${error.message}`
}
