/**
 * The demonstration's client, one errand a run:
 *
 *   client.ts http ADDRESS COUNT       GET requests, each over a connection of its own
 *   client.ts tls ADDRESS              one HTTPS download
 *   client.ts dns ADDRESS COUNT        queries over UDP
 *   client.ts steady ADDRESS...        a query and a request every few milliseconds, until SIGTERM
 *
 * Prints what it did as JSON; exits with 1 when an answer is missing.
 */
import { createSocket, type Socket } from 'node:dgram'
import { Agent, get } from 'node:http'
import { get as getTls } from 'node:https'
import { isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { dnsQuery } from './dns-message.ts'

const answerWithinMs = 3000
const steadyPauseMs = 4

const hostOf = (address: string) => (isIPv6(address) ? `[${address}]` : address)

function download(address: string, scheme: 'http' | 'https', path: string, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = `${scheme}://${hostOf(address)}${path}`
    const take = (response: NodeJS.ReadableStream) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () => resolve(bytes))
      response.on('error', reject)
    }
    // The server's certificate is of the demonstration's own making.
    const request =
      scheme === 'https'
        ? getTls(url, { agent: false, rejectUnauthorized: false }, take)
        : get(url, { agent: agent ?? false }, take)
    request.setTimeout(answerWithinMs, () => request.destroy(new Error(`no answer from ${url}`)))
    request.on('error', reject)
  })
}

/** Asks over one socket, so that the queries are one flow. */
class Resolver {
  readonly #socket: Socket
  readonly #address: string
  #id = 0

  constructor(address: string) {
    this.#address = address
    this.#socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    this.#socket.setMaxListeners(0)
  }

  ask(): Promise<void> {
    this.#id = (this.#id + 1) & 0xffff
    const id = this.#id
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no DNS answer from ${this.#address}`)), answerWithinMs)
      const take = (answer: Buffer) => {
        if (answer.readUInt16BE(0) !== id) return
        clearTimeout(timer)
        this.#socket.off('message', take)
        resolve()
      }
      this.#socket.on('message', take)
      this.#socket.send(dnsQuery(id, `shop-${id}.example`), 53, this.#address)
    })
  }

  close(): void {
    this.#socket.close()
  }
}

async function steady(addresses: readonly string[]): Promise<{ queries: number; requests: number }> {
  const done = { queries: 0, requests: 0 }
  let on = true
  process.on('SIGTERM', () => {
    on = false
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const resolvers = addresses.map((address) => new Resolver(address))
  for (let round = 0; on; round++) {
    await Promise.all(resolvers.map((resolver) => resolver.ask()))
    done.queries += resolvers.length
    if (round % 8 === 0) {
      await download(addresses[0]!, 'http', `/cart/${round}`, agent)
      done.requests++
    }
    await sleep(steadyPauseMs)
  }
  agent.destroy()
  for (const resolver of resolvers) resolver.close()
  return done
}

async function errand(name: string, words: readonly string[]): Promise<Record<string, number>> {
  const [address = '', count = '1'] = words
  const started = performance.now()
  const took = () => Math.round(performance.now() - started)
  if (name === 'steady') return steady(words)
  if (name === 'tls') return { bytes: await download(address, 'https', '/file'), milliseconds: took() }
  if (name === 'http') {
    for (let n = 0; n < Number(count); n++) await download(address, 'http', `/page/${n}`)
    return { requests: Number(count), milliseconds: took() }
  }
  const resolver = new Resolver(address)
  for (let n = 0; n < Number(count); n++) await resolver.ask()
  resolver.close()
  return { queries: Number(count), milliseconds: took() }
}

const [name = '', ...words] = process.argv.slice(2)
process.stdout.write(`${JSON.stringify(await errand(name, words))}\n`)
