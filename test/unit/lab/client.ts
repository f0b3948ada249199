/** A minimal client for the tests: one request, and a watch read line by line. */
import https from 'node:https'

export interface Reply {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Body
}

/** As much of an answer as the tests look at. */
export interface Body {
  readonly kind?: string
  readonly message?: string
  readonly reason?: string
  readonly metadata: {
    name?: string
    resourceVersion?: string
    continue?: string
    remainingItemCount?: number
    uid?: string
  }
  readonly items: readonly { metadata: { name: string; namespace?: string } }[]
  readonly [field: string]: unknown
}

export type Client = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>

export function clientOf(api: { host: string; port: number; ca: string }, token: string | undefined): Client {
  return (method, path, body, headers = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const options = { host: api.host, port: api.port, ca: api.ca, method, path, agent: false as const }
    const request = https.request({ ...options, headers: { ...authorization, ...headers } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) as Body })
      })
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
    return promise
  }
}

export interface WatchedEvent {
  readonly type: string
  readonly object: {
    metadata: { name?: string; resourceVersion?: string; labels?: Record<string, string> }
    code?: number
  }
}

export interface Watching {
  readonly status: number
  readonly events: WatchedEvent[]
  /** Resolves when as many events have come. */
  until(count: number): Promise<WatchedEvent[]>
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>
  /** Whether it ended in order. */
  complete(): boolean
  close(): void
}

export function watch(api: { host: string; port: number; ca: string }, token: string, path: string): Promise<Watching> {
  const { promise, resolve, reject } = Promise.withResolvers<Watching>()
  const headers = { authorization: `Bearer ${token}` }
  const request = https.request(
    { host: api.host, port: api.port, ca: api.ca, path, headers, agent: false },
    (response) => {
      const events: WatchedEvent[] = []
      const waiting = new Set<() => void>()
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) events.push(JSON.parse(line) as WatchedEvent)
        for (const check of [...waiting]) check()
      })
      const ended = new Promise<void>((done) => response.on('close', () => done()))
      response.on('error', () => response.destroy())
      const until = (count: number): Promise<WatchedEvent[]> =>
        new Promise((done) => {
          const check = (): void => {
            if (events.length < count) return
            waiting.delete(check)
            done(events)
          }
          waiting.add(check)
          check()
        })
      resolve({
        status: response.statusCode ?? 0,
        events,
        until,
        ended,
        complete: () => response.complete,
        close: () => request.destroy(),
      })
    },
  )
  request.on('error', reject)
  request.end()
  return promise
}
