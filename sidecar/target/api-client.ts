/**
 * GET from the Kubernetes API. node:https is loaded with the first request only: a sidecar with a static target never
 * needs it, and it costs 8 MB.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Agent, RequestOptions } from 'node:https'
import { type ApiAccess, apiUrl, readCredentials, subjectOf } from './api-access.ts'
import type { DiscoveryResult } from './discovery-counters.ts'
import { fields, text } from './pod-view.ts'
import type { Clock, Timing } from './timing.ts'

/** A request that did not bring what was asked for. */
export class ApiError extends Error {
  readonly result: Exclude<DiscoveryResult, 'ok'>
  /** For 403: who was refused. */
  readonly account: string
  /** How long the server wants to be left alone, 0 where it did not say. */
  readonly retryAfterMs: number

  constructor(result: Exclude<DiscoveryResult, 'ok'>, message: string, account = '', retryAfterMs = 0) {
    super(message)
    this.name = 'ApiError'
    this.result = result
    this.account = account
    this.retryAfterMs = retryAfterMs
  }
}

export class ApiClient {
  readonly #access: ApiAccess
  readonly #timing: Timing
  readonly #clock: Clock
  #agent: { readonly ca: string; readonly agent: Agent } | undefined

  constructor(access: ApiAccess, timing: Timing, clock: Clock) {
    this.#access = access
    this.#timing = timing
    this.#clock = clock
  }

  /**
   * Resolves with the answer once its head is there and says 200. The caller reads the body or destroys it.
   * @throws {ApiError}
   */
  async get(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { token, ca } = await this.#credentials()
    const { Agent, request } = await import('node:https')
    if (this.#agent?.ca !== ca) {
      this.close()
      this.#agent = { ca, agent: new Agent({ ca, keepAlive: true, maxFreeSockets: 1 }) }
    }
    const options: RequestOptions = {
      host: this.#access.host,
      port: this.#access.port,
      path,
      agent: this.#agent.agent,
      signal,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'vxtap-sidecar' },
    }
    const answer = await this.#head(request(options))
    if (answer.statusCode === 200) return answer
    throw await this.#refusal(answer, token)
  }

  /** The whole body as JSON. @throws {ApiError} */
  async getJson(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#json(await this.get(path, signal), this.#timing.maxPageBytes)
  }

  close(): void {
    this.#agent?.agent.destroy()
    this.#agent = undefined
  }

  /** What a failed connection or a broken stream is called. */
  unreachable(error: unknown): ApiError {
    return new ApiError(
      'unreachable',
      `cannot reach the Kubernetes API at ${apiUrl(this.#access)} (${this.#why(error)})`,
    )
  }

  async #credentials(): Promise<{ token: string; ca: string }> {
    try {
      return await readCredentials(this.#access)
    } catch (error) {
      const hint = 'without it (automountServiceAccountToken: false?) SENSOR must be an IP address or a host name'
      const why = error instanceof Error ? error.message : String(error)
      throw new ApiError('unauthorized', `no service account token to ask the Kubernetes API with (${why}); ${hint}`)
    }
  }

  #head(request: ClientRequest): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const late = new Error(`no answer within ${this.#timing.requestTimeoutMs} ms`)
    const cancel = this.#clock.after(this.#timing.requestTimeoutMs, () => request.destroy(late))
    request.on('socket', (socket) => socket.setKeepAlive(true, this.#timing.keepAliveMs))
    request.on('response', (answer) => {
      cancel()
      resolve(answer)
    })
    request.on('error', (error) => {
      cancel()
      reject(this.unreachable(error))
    })
    request.end()
    return promise
  }

  async #json(answer: IncomingMessage, maxBytes: number): Promise<unknown> {
    const late = new Error(`no whole answer within ${this.#timing.requestTimeoutMs} ms`)
    const cancel = this.#clock.after(this.#timing.requestTimeoutMs, () => answer.destroy(late))
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > maxBytes)
          throw new ApiError('garbled', `the Kubernetes API answered with more than ${maxBytes} bytes`)
        chunks.push(chunk)
      }
    } catch (error) {
      throw error instanceof ApiError ? error : this.unreachable(error)
    } finally {
      cancel()
    }
    try {
      return JSON.parse(Buffer.concat(chunks).toString()) as unknown
    } catch {
      throw new ApiError('garbled', 'the Kubernetes API answered with something that is not JSON')
    }
  }

  async #refusal(answer: IncomingMessage, token: string): Promise<ApiError> {
    const code = answer.statusCode ?? 0
    // A proxy in between may answer in HTML: the status code alone says enough.
    const status = fields(await this.#json(answer, 1 << 20).catch(() => undefined))
    const message = text(status['message']) || (answer.statusMessage ?? '')
    switch (code) {
      case 401:
        return new ApiError('unauthorized', "the Kubernetes API does not accept the service account's token (401)")
      case 403:
        return new ApiError('forbidden', message, /User "([^"]+)"/.exec(message)?.[1] ?? subjectOf(token))
      case 410:
        return new ApiError('gone', message)
      default:
        return new ApiError(
          'refused',
          `the Kubernetes API at ${apiUrl(this.#access)} answered ${code} (${message.slice(0, 200)})`,
          '',
          retryAfterMs(answer),
        )
    }
  }

  #why(error: unknown): string {
    if (!(error instanceof Error)) return String(error)
    const { code } = error as NodeJS.ErrnoException
    const certificate = code !== undefined && /CERT|SIGNATURE|ALTNAME/.test(code)
    return certificate
      ? `${code}: its certificate does not verify against ${this.#access.directory}/ca.crt`
      : (code ?? error.message)
  }
}

/** RFC 9110 section 10.2.3, in seconds, as the API server sends it when it sheds load; 0 for anything else. */
function retryAfterMs(answer: IncomingMessage): number {
  const text = answer.headers['retry-after'] ?? ''
  return /^\d{1,4}$/.test(text) ? Number(text) * 1000 : 0
}
