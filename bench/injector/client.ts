/**
 * A client of HTTPS/1.1 keep-alive connections that costs little itself: one request under way on each, written from
 * bytes made once, the answer read as far as its length. Node's own client would be the bottleneck of the measurement.
 */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

export interface Server {
  readonly port: number
  /** PEM of the authority of its certificate. */
  readonly ca: string
}

export interface Outcome {
  /** Answers with status 200. */
  readonly answers: number
  /** Anything else. */
  readonly failures: number
  readonly seconds: number
  /** Milliseconds from when each was due to be sent to its last byte, ascending. */
  readonly latencies: Float64Array
}

interface Connection {
  /** @returns whether the answer was 200 */
  ask(): Promise<boolean>
  close(): void
}

const headEnd = Buffer.from('\r\n\r\n')

async function open(server: Server, request: Buffer): Promise<Connection> {
  const socket: TLSSocket = connect({ port: server.port, host: '127.0.0.1', ca: server.ca, servername: 'localhost' })
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  let received: Buffer = Buffer.alloc(0)
  let answered: ((ok: boolean) => void) | undefined
  const finish = (ok: boolean): void => {
    const tell = answered
    answered = undefined
    tell?.(ok)
  }
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const end = received.indexOf(headEnd)
    if (end < 0) return
    const head = received.toString('latin1', 0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
    if (received.length < end + headEnd.length + length) return
    received = Buffer.alloc(0)
    finish(head.startsWith('HTTP/1.1 200'))
  })
  socket.on('close', () => finish(false))
  socket.on('error', () => finish(false))
  return {
    ask: () =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve(false)
        answered = resolve
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

function requestOf(path: string, body: string): Buffer {
  const bytes = Buffer.from(body)
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), bytes])
}

async function withConnections(
  server: Server,
  path: string,
  body: string,
  count: number,
  run: (connections: readonly Connection[], record: Record) => Promise<void>,
): Promise<Outcome> {
  const request = requestOf(path, body)
  const connections: Connection[] = []
  for (let index = 0; index < count; index++) connections.push(await open(server, request))
  const latencies: number[] = []
  let failures = 0
  const started = performance.now()
  await run(connections, (ok, milliseconds) => (ok ? latencies.push(milliseconds) : failures++))
  const seconds = (performance.now() - started) / 1000
  for (const connection of connections) connection.close()
  return { answers: latencies.length, failures, seconds, latencies: Float64Array.from(latencies).sort() }
}

type Record = (ok: boolean, milliseconds: number) => void

/** Closed loop: each connection asks again as soon as it is answered, until `requests` have been sent. */
export function closedLoop(
  server: Server,
  path: string,
  body: string,
  connections: number,
  requests: number,
): Promise<Outcome> {
  return withConnections(server, path, body, connections, async (all, record) => {
    let sent = 0
    await Promise.all(
      all.map(async (connection) => {
        while (sent < requests) {
          sent++
          const started = performance.now()
          record(await connection.ask(), performance.now() - started)
        }
      }),
    )
  })
}

/**
 * Open loop: requests are due at a fixed rate, whatever the server does. One that finds no free connection waits for one,
 * and its latency counts from when it was due, so that a stall is seen by all whom it would have held up (no coordinated
 * omission).
 * @param rate requests a second
 */
export function openLoop(
  server: Server,
  path: string,
  body: string,
  connections: number,
  rate: number,
  seconds: number,
): Promise<Outcome> {
  return withConnections(server, path, body, connections, async (all, record) => {
    const total = Math.round(rate * seconds)
    const started = performance.now()
    const due = (index: number): number => started + (index * 1000) / rate
    const free = [...all]
    const waiting: number[] = []
    const answers: Promise<void>[] = []
    const send = (connection: Connection, index: number): void => {
      answers.push(
        connection.ask().then((ok) => {
          record(ok, performance.now() - due(index))
          const next = waiting.shift()
          if (next === undefined) free.push(connection)
          else send(connection, next)
        }),
      )
    }
    for (let index = 0; index < total; ) {
      const now = performance.now()
      for (; index < total && due(index) <= now; index++) {
        const connection = free.pop()
        if (connection === undefined) waiting.push(index)
        else send(connection, index)
      }
      // A millisecond is the finest that timers give; what came due meanwhile goes out at once.
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    for (let settled = 0; settled < answers.length; settled++) await answers[settled]
  })
}

/** @param share of 1, for instance 0.99 */
export function percentile({ latencies }: Outcome, share: number): number {
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN
}
