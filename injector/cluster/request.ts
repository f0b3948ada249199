/** One request to the API server in raw JSON: the client library's typed objects drop what their types do not know. */
import { Agent, type RequestOptions, request } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { type Json, textAt } from '../json.ts'

const timeoutMs = 10_000

export type Method = 'GET' | 'PATCH'
export type PatchType = 'application/merge-patch+json' | 'application/json-patch+json'

export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
  }
}

export interface ApiRequests {
  get(path: string): Promise<Json>
  patch(path: string, type: PatchType, body: Json): Promise<Json>
  close(): void
}

/** @throws {ApiError} from its calls, where the API server refuses; other errors where it is not reached within 10 s */
export function createRequests(kubeConfig: KubeConfig): ApiRequests {
  const agent = new Agent({ keepAlive: true })
  const send = async (method: Method, path: string, body?: string, type?: PatchType): Promise<Json> => {
    const server = kubeConfig.getCurrentCluster()?.server
    if (server === undefined) throw new Error('no API server is configured')
    const options: RequestOptions = { method, headers: {}, signal: AbortSignal.timeout(timeoutMs) }
    // Each time: the service account's token is replaced every hour.
    await kubeConfig.applyToHTTPSOptions(options)
    options.agent = agent
    if (body !== undefined) {
      options.headers = { ...options.headers, 'content-type': type, 'content-length': Buffer.byteLength(body) }
    }
    const { status, text } = await exchange(new URL(server + path), options, body)
    const answer = jsonOf(text)
    if (status >= 200 && status < 300) return answer
    throw new ApiError(status, textAt(answer, 'message') ?? `the API server answered ${status}`)
  }
  return {
    get: (path) => send('GET', path),
    patch: (path, type, body) => send('PATCH', path, JSON.stringify(body), type),
    close: () => agent.destroy(),
  }
}

function exchange(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}
