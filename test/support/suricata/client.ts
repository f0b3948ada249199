/**
 * Fetches objects one after the other, each over a connection of its own, and checks each byte that comes.
 *
 *   client.ts ADDRESS PORT COUNT EVERY_MS      prints the number of each object that came whole; exits 1 on one that did not
 */
import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { bodyOf, urlOf } from './content.ts'

const answerWithinMs = 10_000
const [address = '', port = '', count = '', everyMs = ''] = process.argv.slice(2)

function fetchObject(object: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = get({ host: address, port, path: urlOf(object), agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks)))
      response.on('error', reject)
    })
    request.setTimeout(answerWithinMs, () =>
      request.destroy(new Error(`object ${object} took over ${answerWithinMs} ms`)),
    )
    request.on('error', reject)
  })
}

const start = performance.now()
for (let object = 0; object < Number(count); object++) {
  await sleep(Math.max(0, start + object * Number(everyMs) - performance.now()))
  const body = await fetchObject(object)
  if (!body.equals(bodyOf(object))) throw new Error(`object ${object} came with other bytes than were sent`)
  process.stdout.write(`${object}\n`)
}
