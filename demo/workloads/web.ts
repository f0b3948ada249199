/** The demonstration's web server: HTTP, HTTPS (a 5 MB file) and DNS over UDP, on every address of the pod. */
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { dnsAnswer } from './dns-message.ts'

const file = Buffer.alloc(5_000_000, 'All that goes in and out of this pod, the sensor sees. ')
const [certificateDirectory = '.'] = process.argv.slice(2)

createServer((request, response) => {
  response.setHeader('content-type', 'text/plain')
  response.end(`you asked for ${request.url}\n`)
}).listen(80, '::')

const pair = {
  cert: readFileSync(`${certificateDirectory}/tls.crt`),
  key: readFileSync(`${certificateDirectory}/tls.key`),
}
createTlsServer(pair, (_, response) => {
  response.setHeader('content-type', 'application/octet-stream')
  response.end(file)
}).listen(443, '::')

const dns = createSocket('udp6')
dns.on('message', (query, from) => dns.send(dnsAnswer(query, [192, 0, 2, 80]), from.port, from.address))
dns.bind(53, '::')

process.on('SIGTERM', () => process.exit(0))
