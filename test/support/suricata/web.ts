/**
 * The tapped application: a web server whose objects are those of content.ts.
 *
 *   web.ts PORT
 */
import { createServer } from 'node:http'
import { bodyOf } from './content.ts'

createServer((request, response) => {
  const object = /^\/object\/(\d+)$/.exec(request.url ?? '')?.[1]
  if (object === undefined) return response.writeHead(404).end()
  response.setHeader('content-type', 'application/octet-stream')
  return response.end(bodyOf(Number(object)))
}).listen(Number(process.argv[2]), '::', () => process.stdout.write('listening\n'))
