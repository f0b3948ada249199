/** Clients that do not speak as they should, at the real program: what they send, how slowly, and how many of them. */
import { Agent } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { limitKb, nodeOptions, residentKb } from '../../support/chart-memory.ts'
import { type InjectorProcess, startInjectorProcess } from '../../support/injector-process.ts'
import { post } from '../../support/injector-server.ts'
import { closedWithin, exchange, openSocket, statuses } from '../../support/raw-client.ts'
import { pod, review } from './fixtures.ts'

const good = JSON.stringify(review(pod()))
const mib = 1024 * 1024

const head = (...lines: string[]) =>
  ['POST /mutate HTTP/1.1', 'Host: injector', 'Content-Type: application/json', ...lines].join('\r\n')
const request = (body = good) => `${head(`Content-Length: ${Buffer.byteLength(body)}`)}\r\n\r\n${body}`
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: injector\r\n\r\n'

describe('given clients that do not speak as they should', () => {
  let injector: InjectorProcess
  let agent: Agent
  const sockets: Socket[] = []
  beforeAll(async () => {
    injector = await startInjectorProcess({ NODE_OPTIONS: nodeOptions })
    agent = new Agent({ ca: injector.certificate.cert, keepAlive: true })
  })
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })
  afterAll(async () => {
    agent.destroy()
    expect(await injector.stop()).toBe(0)
    expect(injector.log.filter(({ level }) => Number(level) >= 50)).toEqual([])
  })

  const open = async (tls = true): Promise<Socket> => {
    const socket = await openSocket(injector.port, tls)
    sockets.push(socket)
    return socket
  }
  /** A well-behaved client is answered, and soon: the API server waits for the chart's five seconds. */
  const expectOthersServed = async () => {
    const started = performance.now()
    expect((await post(injector.port, agent, good)).status).toBe(200)
    expect(performance.now() - started).toBeLessThan(5000)
  }
  const metric = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${injector.metricsPort}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
  }

  it.each([
    ['a length and chunks', `${head('Content-Length: 5', 'Transfer-Encoding: chunked')}\r\n\r\n0\r\n\r\n${smuggled}`],
    ['chunks and a length', `${head('Transfer-Encoding: chunked', 'Content-Length: 5')}\r\n\r\n0\r\n\r\n${smuggled}`],
    ['two lengths', `${head('Content-Length: 2', `Content-Length: ${2 + smuggled.length}`)}\r\n\r\n{}${smuggled}`],
    ['a length with a sign', `${head('Content-Length: +2')}\r\n\r\n{}`],
    ['a negative length', `${head('Content-Length: -1')}\r\n\r\n{}`],
    ['a length in hexadecimal', `${head('Content-Length: 0x2')}\r\n\r\n{}`],
    ['an unknown transfer coding', `${head('Transfer-Encoding: chonked')}\r\n\r\n0\r\n\r\n${smuggled}`],
    ['chunked before another coding', `${head('Transfer-Encoding: chunked, identity')}\r\n\r\n0\r\n\r\n${smuggled}`],
    ['a folded header', `${head('X-Folded: a', ' Transfer-Encoding: chunked', 'Content-Length: 2')}\r\n\r\n{}`],
    ['a blank before the colon', `${head('Content-Length : 2')}\r\n\r\n{}`],
    ['a chunk size that is none', `${head('Transfer-Encoding: chunked')}\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
    [
      'a chunk size of 20 digits',
      `${head('Transfer-Encoding: chunked')}\r\n\r\nfffffffffffffffffff1\r\n{}\r\n0\r\n\r\n`,
    ],
    ['a chunk that is longer than it says', `${head('Transfer-Encoding: chunked')}\r\n\r\n1\r\n{}\r\n0\r\n\r\n`],
    ['a NUL in a header', `${head('X-Nul: a\0b', 'Content-Length: 2')}\r\n\r\n{}`],
    ['lines that end in LF alone', `${head('Content-Length: 2').replaceAll('\r\n', '\n')}\n\n{}`],
    ['two hosts', `${head('Host: another', 'Content-Length: 2')}\r\n\r\n{}`],
    ['no host', 'POST /mutate HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}'],
    ['an absolute address and no path', 'POST http:// HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}'],
    ['CONNECT', 'CONNECT injector:443 HTTP/1.1\r\nHost: injector\r\n\r\n'],
    ['a method that is none', 'SMUGGLE /mutate HTTP/1.1\r\nHost: injector\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
    [
      'headers of 1 MB',
      `${head(...Array.from({ length: 1000 }, (_, index) => `X-${index}: ${'x'.repeat(1000)}`))}\r\n\r\n`,
    ],
    ['one header of 1 MB', `${head(`X-Long: ${'x'.repeat(1_000_000)}`)}\r\n\r\n`],
    ['an address of 1 MB', `POST /${'x'.repeat(1_000_000)} HTTP/1.1\r\nHost: injector\r\n\r\n`],
    ['10,000 headers', `${head(...Array.from({ length: 10_000 }, () => 'a:'))}\r\n\r\n`],
    ['bytes that are not HTTP', Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 7919) % 256))],
    ['a body that is compressed', `${head('Content-Encoding: gzip', 'Content-Length: 4')}\r\n\r\n\x1f\x8b\x08\0`],
  ])(
    '%s: one answer of 4xx, or the connection is closed, and nothing behind it is taken for a request',
    async (_, bytes) => {
      const { received, closed } = await exchange(injector.port, bytes)
      expect(statuses(received).length).toBeLessThanOrEqual(1)
      for (const status of statuses(received)) {
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(500)
      }
      expect(closed || statuses(received).length === 1).toBe(true)
      expect(received).not.toContain('smuggled')
      await expectOthersServed()
    },
  )

  it('requests sent without waiting for the answers are answered in their order', async () => {
    const bodies = ['a', 'b', 'c'].map((uid) => JSON.stringify(review(pod(), { uid })))
    const { received } = await exchange(injector.port, bodies.map(request).join(''), { answers: 3, waitMs: 100 })
    expect(statuses(received)).toEqual([200, 200, 200])
    expect([...received.matchAll(/"uid":"(.)"/g)].map((match) => match[1])).toEqual(['a', 'b', 'c'])
  })

  it.each([
    ['random bytes', Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919) % 256))],
    ['a request without TLS', request()],
    ['the beginning of a TLS record of 16 kB', Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3])],
    ['a TLS alert', Buffer.from([0x15, 3, 3, 0, 2, 2, 0x28])],
    ['an SSL 2 greeting', Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10])],
  ])('%s in place of a handshake gets no answer, and does not keep others waiting', async (_what, bytes) => {
    const answer = exchange(injector.port, bytes, { tls: false, answers: 0, waitMs: 500 })
    await expectOthersServed()
    expect(statuses((await answer).received)).toEqual([])
  })

  it('300 clients that never finish their request do not keep others waiting, and are cut off after 10 s', async () => {
    const slow = await Promise.all(Array.from({ length: 300 }, () => open()))
    for (const socket of slow) socket.write('POST /mutate HTTP/1.1\r\nHost: a\r\nX-Slow: ')
    const trickle = setInterval(() => {
      for (const socket of slow) if (!socket.destroyed) socket.write('x')
    }, 500)
    await expectOthersServed()
    const closed = await Promise.all(slow.map((socket) => closedWithin(socket, 30_000)))
    clearInterval(trickle)
    expect(closed).not.toContain(false)
    await expectOthersServed()
  }, 60_000)

  it('60 bodies of 7 MB that arrive side by side stay within the memory, and small ones get through', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const answers: string[] = []
    const senders = await Promise.all(Array.from({ length: 60 }, () => open()))
    for (const sender of senders) {
      sender.on('data', (chunk: Buffer) => answers.push(chunk.toString().slice(9, 12)))
      sender.write(`${head(`Content-Length: ${7 * mib}`)}\r\n\r\n{"a":"${'x'.repeat(6 * mib)}`)
    }
    setTimeout(resolve, 3000)
    for (let asked = 0; asked < 20; asked++) await expectOthersServed()
    await promise
    expect(answers).toContain('503')
    expect(residentKb(injector.child.pid, 'VmHWM')).toBeLessThan(limitKb)
  })

  it('texts that become far more memory than they are long are refused before they are read', async () => {
    const dense = [
      ['[],', ''],
      ['{},', ''],
      ['[', ']'],
      ['{"":', '}'],
      ['{"a":{}},', ''],
    ] as const
    for (const [piece, end] of dense) {
      const times = Math.floor((6.9 * mib) / (piece.length + end.length))
      const object = `${end ? '' : '['}${piece.repeat(times)}1${end ? end.repeat(times) : ']'}`
      const reply = await post(injector.port, agent, good.replace('"spec":', `"x":${object},"spec":`))
      expect(reply.status).toBe(413)
      expect(reply.body).toContain('more than 200000 JSON values')
    }
    expect(residentKb(injector.child.pid, 'VmHWM')).toBeLessThan(limitKb)
  })

  it('texts that hold just as much as is read stay within the memory', async () => {
    for (const piece of ['[],', '{},', '{"a":{}},', '{"abcdefgh":"ijklmnop"},']) {
      const object = `[${piece.repeat(Math.floor(190_000 / [...piece.matchAll(/[,[{]/g)].length))}1]`
      const body = good.replace('"spec":', `"x":${object},"spec":`)
      for (let times = 0; times < 4; times++) expect((await post(injector.port, agent, body)).status).toBe(200)
    }
    expect(residentKb(injector.child.pid, 'VmHWM')).toBeLessThan(limitKb)
  })

  it('clients that ask and ask and never read make the injector hold no more than a few answers of each', async () => {
    const many = request().repeat(200)
    const deaf = await Promise.all(Array.from({ length: 30 }, () => open()))
    for (const socket of deaf) {
      socket.pause()
      for (let times = 0; times < 5; times++) socket.write(many)
    }
    for (let asked = 0; asked < 10; asked++) {
      await expectOthersServed()
      await sleep(100)
    }
    expect(residentKb(injector.child.pid, 'VmHWM')).toBeLessThan(limitKb)
  })

  it('10,000 connections: the oldest make room, those that were answered stay, and the memory holds', async () => {
    await expectOthersServed()
    const proven = await open()
    proven.write(request())
    await new Promise((go) => proven.once('data', go))
    for (let opened = 0; opened < 10_000; opened += 500) {
      await Promise.all(Array.from({ length: 500 }, () => open(false)))
      if (opened % 2000 === 0) await expectOthersServed()
    }
    expect(await metric('vxtap_injector_dropped_connections_total')).toBeGreaterThan(8000)
    expect(proven.destroyed).toBe(false)
    proven.write(request())
    await new Promise((go) => proven.once('data', go))
    expect(residentKb(injector.child.pid, 'VmHWM')).toBeLessThan(limitKb)
    await expectOthersServed()
  }, 60_000)
})
