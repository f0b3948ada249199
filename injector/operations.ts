/** Health and metrics over plain HTTP, on a port of their own: they must not depend on the certificate. */
import Fastify, { type FastifyInstance } from 'fastify'
import type { InjectorMetrics } from './metrics.ts'

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly why: string }

export function createOperationsServer(metrics: InjectorMetrics, readiness: () => Readiness): FastifyInstance {
  const app = Fastify({ logger: false, return503OnClosing: false, forceCloseConnections: true })
  app.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok\n'))
  app.get('/readyz', (_request, reply) => {
    const state = readiness()
    return reply
      .code(state.ready ? 200 : 503)
      .type('text/plain')
      .send(state.ready ? 'ok\n' : `${state.why}\n`)
  })
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()))
  return app
}
