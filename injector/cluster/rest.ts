/**
 * Requests to the API server as JSON comes and goes: the client library's typed objects drop what they do not know, and
 * cannot ask for metadata alone. Who we are, and whom we trust, is the library's business (KubeConfig: files, tokens,
 * exec plugins).
 */
import type { IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { type Json, textAt } from '../json.ts'

/** What a list or a watch asks for to get metadata only (meta.k8s.io/v1 PartialObjectMetadata). */
export const metadataOnly = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
} as const

/** The API server answered, and not with success. */
export class ApiError extends Error {
  readonly status: number
  /** What the API server answered, decoded. */
  readonly body: Json

  constructor(status: number, body: Json) {
    super(textAt(body, 'message') ?? `the API server answered ${status}`)
    this.name = 'ApiError'
    this.status = status
    this.body = body
  }
}

export interface Asking {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly accept?: string
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface Rest {
  /** @throws {ApiError} for a status of 400 and more; other errors where there was no answer */
  get(path: string, asking?: Asking): Promise<Json>
  post(path: string, body: Json, asking?: Asking): Promise<Json>
  /** The text, whatever the status. */
  text(path: string, asking?: Asking): Promise<{ readonly status: number; readonly text: string }>
  /** Each line of a stream, until the server or the signal ends it. @throws as `get`, and where the stream breaks */
  lines(path: string, onLine: (line: string) => void, asking?: Asking): Promise<void>
  /** Closes the connections that are kept open. */
  close(): void
}

const defaultTimeoutMs = 30_000
/** Requests at once, each on a connection of its own. */
const mostConnections = 16
const longestText = 64 * 1024 * 1024

/** @throws where the configuration names no cluster */
export function createRest(kubeConfig: KubeConfig): Rest {
  const cluster = kubeConfig.getCurrentCluster()
  if (!cluster) throw new Error('no cluster is configured')
  const base = cluster.server.replace(/\/$/, '')
  let agents: Agents | undefined

  async function open(
    method: string,
    path: string,
    asking: Asking,
    body?: string,
    stream = false,
  ): Promise<IncomingMessage> {
    const options: RequestOptions = {}
    await kubeConfig.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0])
    // The library's agent opens a connection for each request; one of ours keeps them, unless a proxy is in between.
    if (cluster?.proxyUrl === undefined) {
      agents ??= agentsFor(options)
      options.agent = stream ? agents.streams : agents.requests
    }
    const content = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = { ...(options.headers as object), ...content, accept: asking.accept ?? 'application/json' }
    const url = `${base}${path}${queryOf(asking.query)}`
    const signals = [asking.signal, AbortSignal.timeout(asking.timeoutMs ?? defaultTimeoutMs)]
    const signal = AbortSignal.any(signals.filter((one) => one !== undefined))
    return new Promise((resolve, reject) => {
      const outgoing = request(url, { ...options, method, headers, signal }, resolve)
      outgoing.on('error', (error) => reject(timedOut(signal) ?? error))
      outgoing.end(body)
    })
  }

  async function json(method: string, path: string, asking: Asking, body?: Json): Promise<Json> {
    const answer = await open(method, path, asking, body === undefined ? undefined : JSON.stringify(body))
    const text = await readText(answer)
    const status = answer.statusCode ?? 0
    if (status >= 400) throw new ApiError(status, parsed(text))
    return JSON.parse(text) as Json
  }

  return {
    get: (path, asking = {}) => json('GET', path, asking),
    post: (path, body, asking = {}) => json('POST', path, asking, body),
    async text(path, asking = {}) {
      const answer = await open('GET', path, asking)
      return { status: answer.statusCode ?? 0, text: await readText(answer) }
    },
    async lines(path, onLine, asking = {}) {
      const answer = await open('GET', path, asking, undefined, true)
      const status = answer.statusCode ?? 0
      if (status >= 400) throw new ApiError(status, parsed(await readText(answer)))
      let rest = ''
      answer.setEncoding('utf8')
      for await (const chunk of answer as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line !== '') onLine(line)
      }
    },
    close() {
      agents?.requests.destroy()
      agents?.streams.destroy()
    },
  }
}

interface Agents {
  readonly requests: Agent
  /** Watches keep their connection for minutes: they must not take those of the requests. */
  readonly streams: Agent
}

function agentsFor({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }: RequestOptions): Agents {
  const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }
  const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
  return {
    requests: new Agent({ keepAlive: true, maxSockets: mostConnections, ...given }),
    streams: new Agent(given),
  }
}

const timedOut = (signal: AbortSignal): Error | undefined =>
  signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
    ? new Error('the API server did not answer in time')
    : undefined

function queryOf(query: Asking['query'] = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return parameters.size === 0 ? '' : `?${parameters}`
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestText) throw new Error(`the answer is longer than ${longestText} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return { message: text.slice(0, 300) }
  }
}
