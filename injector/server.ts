/**
 * The webhook over HTTPS. Its settings are those that an API server needs at the other end
 * (kubernetes/apiserver pkg/util/webhook/client.go): Go keeps idle connections for 90 s, so ours live longer, or a
 * request would meet a connection that is just being closed.
 */
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { printable } from '../contract/setting.ts'
import type { CertificatePair } from './certificates/source.ts'
import { type ClusterView, handle } from './handle.ts'
import type { Json } from './json.ts'
import type { InjectorMetrics } from './metrics.ts'
import type { Notice } from './notice.ts'
import type { InjectionConfig } from './plan.ts'

const keepAliveTimeoutMs = 100_000
const requestTimeoutMs = 30_000
// The API server takes objects of up to 3 MiB; as JSON, and with the old object beside it, a review is larger.
const bodyLimitBytes = 7 * 1024 * 1024
const minimumTls = 'TLSv1.2'
const longestProblem = 300

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
  /**
   * New connections get the new certificate; open ones live on with the old. Preconditions: it was checked that the
   * certificate and the key belong together.
   */
  useCertificate(pair: CertificatePair): void
}

/** Listens nowhere yet; until it has a certificate, no TLS handshake succeeds. */
export function createWebhookServer(dependencies: WebhookDependencies): WebhookServer {
  const { cluster, config, metrics, log, draining, tell } = dependencies
  const app = Fastify({
    https: { minVersion: minimumTls },
    logger: false,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: requestTimeoutMs,
    bodyLimit: bodyLimitBytes,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // A volume attribute of a pod may have any name. Refusing these two would let it slip past injection unseen; members
    // are read as own properties only (json.ts), and no object is merged into another.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
  })

  const refuse = (request: FastifyRequest, reply: FastifyReply, status: number, problem: string) => {
    metrics.refused(status)
    log.warn({ status, from: request.ip }, `refused a request: ${printable(problem, longestProblem)}`)
    return reply.code(status).send({ error: problem })
  }

  app.post<{ Body: Json }>('/mutate', (request, reply) => {
    const started = performance.now()
    const handled = handle(request.body, cluster, config)
    if (handled.status !== 200) return refuse(request, reply, handled.status, handled.problem)
    metrics.decided(handled.record.reason, (performance.now() - started) / 1000)
    const { sentence, ...fields } = handled.record
    log.info(fields, sentence)
    if (handled.notice) tell(handled.notice)
    return reply.send(handled.answer)
  })
  app.addHook('onSend', async (_request, reply) => {
    if (draining()) reply.header('connection', 'close')
  })
  app.setNotFoundHandler((request, reply) =>
    refuse(
      request,
      reply,
      404,
      `${request.method} ${request.url.slice(0, 100)} is not served; the webhook is POST /mutate`,
    ),
  )
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) log.error({ err: error }, 'the injector failed; this is a defect of vxtap')
    return refuse(request, reply, status, sentenceFor(error, status))
  })
  return {
    app: app as unknown as FastifyInstance,
    useCertificate: (pair) => app.server.setSecureContext({ cert: pair.cert, key: pair.key, minVersion: minimumTls }),
  }
}

function sentenceFor(error: FastifyError, status: number): string {
  if (status === 413) return `the body is larger than ${bodyLimitBytes} bytes`
  if (status === 415) return 'the content type is not application/json'
  if (status >= 500) return 'the injector failed'
  if (error.code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return 'the body is empty; an AdmissionReview is expected'
  if (error.code === 'FST_ERR_CTP_INVALID_JSON_BODY') return 'the body is not JSON'
  return `the request cannot be read: ${error.message}`
}
