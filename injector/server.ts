/**
 * The webhook over HTTPS. Its settings are those that an API server needs at the other end
 * (kubernetes/apiserver pkg/util/webhook/client.go): Go keeps idle connections for 90 s, so ours live longer, or a
 * request would meet a connection that is just being closed.
 *
 * The deadline in `?timeout=` is not read. A decision waits for nothing and takes about a millisecond, and an API server
 * has no more calls under way than it serves requests that change something (some hundreds), so what waits before one
 * is a fraction of a second, below the smallest deadline there is. Nobody could tell how long a request has waited in the
 * socket either.
 */
import type { TLSSocket } from 'node:tls'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { printable } from '../contract/setting.ts'
import { BodyError, type BodyLimits, createBodies } from './bodies.ts'
import type { CertificatePair } from './certificates/source.ts'
import { type ClientTrust, clientProblem } from './client-certificates.ts'
import { boundConnections } from './connections.ts'
import { type ClusterView, handle } from './handle.ts'
import { createHandshakeLog } from './handshake-log.ts'
import type { Json } from './json.ts'
import type { InjectorMetrics } from './metrics.ts'
import type { Notice } from './notice.ts'
import type { InjectionConfig } from './plan.ts'

const keepAliveTimeoutMs = 100_000
// No API server waits longer for a webhook than 30 s.
const requestTimeoutMs = 30_000
// What an honest client sends at once: a handshake, then a request's head. Whoever trickles has that long.
const handshakeTimeoutMs = 10_000
const headersTimeoutMs = 10_000
const lookForLateMs = 1000
// Longer than a connection may idle between requests: only one whose answer nobody reads gets there.
const silenceMs = 110_000
const mib = 1024 * 1024
// The API server takes objects of up to 3 MiB; as JSON, and with the old object beside it, a review is larger. A pod with
// 1,500 variables has some 5,000 values.
const bodyLimits: BodyLimits = { one: 7 * mib, all: 28 * mib, values: 200_000 }
// An API server has some hundreds of calls under way (--max-mutating-requests-inflight is 200), each on a connection of
// its own; a connection costs about 60 kB.
const mostConnections = 1000
const minimumTls = 'TLSv1.2'
const longestProblem = 300

export interface WebhookDependencies {
  /** What is in force when a review arrives; settings change while the server runs. */
  readonly config: () => InjectionConfig
  readonly cluster: ClusterView
  readonly metrics: InjectorMetrics
  readonly log: Logger
  /** Tells the owner of a pod what was decided about it; does not wait for anything. */
  readonly tell: (notice: Notice) => void
  /** True from SIGTERM on: connections are closed after the answer, so that the API server takes another replica. */
  readonly draining: () => boolean
  /** Undefined: whoever reaches the port is answered. */
  readonly clients?: ClientTrust | undefined
}

export interface WebhookServer {
  readonly app: FastifyInstance
  /**
   * New connections get the new certificate; open ones live on with the old. Preconditions: it was checked that the
   * certificate and the key belong together.
   */
  useCertificate(pair: CertificatePair): void
  /** The clients of new connections are verified by these. Preconditions: `clients` was given. */
  useClientAuthorities(authorities: Buffer): void
}

/** Listens nowhere yet; until it has a certificate, no TLS handshake succeeds. */
export function createWebhookServer(dependencies: WebhookDependencies): WebhookServer {
  const { cluster, config, metrics, log, draining, tell, clients } = dependencies
  const app = Fastify({
    https: {
      minVersion: minimumTls,
      handshakeTimeout: handshakeTimeoutMs,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: lookForLateMs,
      requestCert: clients !== undefined,
      rejectUnauthorized: clients !== undefined,
    },
    logger: false,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: silenceMs,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  })
  const connections = boundConnections(app.server, mostConnections, metrics.connectionDropped)
  const bodies = createBodies(bodyLimits)
  app.removeAllContentTypeParsers()
  // JSON as it is: a volume attribute of a pod may be called `__proto__`, and refusing it would let the pod slip past
  // injection unseen. Members are read as own properties only (json.ts), and no object is merged into another.
  app.addContentTypeParser('application/json', (request, payload, done) =>
    bodies.read(payload, Number(request.headers['content-length']), done),
  )

  const refuse = (request: FastifyRequest, reply: FastifyReply, status: number, problem: string) => {
    metrics.refused(status)
    log.warn({ status, from: request.ip }, `refused a request: ${printable(problem, longestProblem)}`)
    // Who does not speak as an API server does is not waited for.
    return reply.code(status).header('connection', 'close').send({ error: problem })
  }

  app.post<{ Body: Json }>('/mutate', (request, reply) => {
    const started = performance.now()
    const handled = handle(request.body, cluster, config())
    if (handled.status !== 200) return refuse(request, reply, handled.status, handled.problem)
    connections.answered(request.raw.socket)
    metrics.decided(handled.record.reason, (performance.now() - started) / 1000)
    log.info(handled.record, handled.sentence)
    if (handled.notice) tell(handled.notice)
    if (draining()) reply.header('connection', 'close')
    return reply.send(handled.answer)
  })
  if (clients) {
    app.addHook('onRequest', async (request, reply) => {
      const problem = clientProblem(request.raw, clients)
      if (problem !== undefined) return refuse(request, reply, 403, problem)
    })
  }
  const handshakes = createHandshakeLog(log)
  app.server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    metrics.handshakeFailed()
    handshakes(error, socket)
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
    if (status >= 500 && !(error instanceof BodyError))
      log.error({ err: error }, 'the injector failed; this is a defect of vxtap')
    return refuse(request, reply, status, sentenceFor(error, status))
  })
  let pair: CertificatePair | undefined
  let authorities = clients?.authorities
  const useBoth = (): void => {
    if (!pair) return
    const { cert, key } = pair
    app.server.setSecureContext({ cert, key, minVersion: minimumTls, ...(authorities ? { ca: authorities } : {}) })
  }
  return {
    app: app as unknown as FastifyInstance,
    useCertificate(next) {
      pair = next
      useBoth()
    },
    useClientAuthorities(next) {
      authorities = next
      useBoth()
    },
  }
}

function sentenceFor(error: FastifyError, status: number): string {
  if (error instanceof BodyError) return error.message
  if (status === 415) return 'the content type is not application/json'
  if (status >= 500) return 'the injector failed'
  return `the request cannot be read: ${error.message}`
}
