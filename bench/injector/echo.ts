/**
 * The floor: a bare fastify server over the same TLS that parses the same bodies and gives them back. Run as a process of
 * its own: node bench/injector/echo.ts CERTIFICATE KEY; prints its port.
 */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'

const [certificate = '', key = ''] = process.argv.slice(2)
const app = Fastify({
  https: { cert: readFileSync(certificate), key: readFileSync(key) },
  logger: false,
  bodyLimit: 7 * 1024 * 1024,
})
app.post('/mutate', (request, reply) => reply.send(request.body))
await app.listen({ port: 0, host: '127.0.0.1' })
process.stdout.write(`${(app.server.address() as AddressInfo).port}\n`)
