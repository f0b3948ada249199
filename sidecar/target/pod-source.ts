/** List and watch of the pods with one label, as streams of views. */
import type { IncomingMessage } from 'node:http'
import { type ApiClient, ApiError } from './api-client.ts'
import { JsonLines } from './json-lines.ts'
import { fields, list, type PodView, podView, text } from './pod-view.ts'
import type { Clock, Timing } from './timing.ts'

export interface PodListing {
  readonly pods: ReadonlyMap<string, PodView>
  readonly resourceVersion: string
}

export interface WatchOutcome {
  /** How long it was open. */
  readonly lastedMs: number
  /** How long it was asked for. */
  readonly askedMs: number
  /** Events and bookmarks. */
  readonly items: number
  /** undefined where the server ended it in order. */
  readonly error: ApiError | undefined
}

export interface WatchHandler {
  /** The stream is open. */
  opened(): void
  /** A pod is there as it is now; by its uid. */
  seen(pod: PodView): void
  gone(uid: string): void
  /** From where to go on. */
  reached(resourceVersion: string): void
  /** For now nothing more is there: the time to draw conclusions, once for all that came together. */
  settled(): void
}

export class PodSource {
  readonly #client: ApiClient
  readonly #timing: Timing
  readonly #clock: Clock
  readonly #random: () => number
  readonly #selector: string

  constructor(client: ApiClient, label: string, timing: Timing, clock: Clock, random: () => number) {
    this.#client = client
    this.#timing = timing
    this.#clock = clock
    this.#random = random
    this.#selector = `labelSelector=${encodeURIComponent(`run=${label}`)}`
  }

  /** Page by page. @throws {ApiError} */
  async list(namespace: string, signal: AbortSignal): Promise<PodListing> {
    const pods = new Map<string, PodView>()
    let token = ''
    for (;;) {
      const next = token === '' ? '' : `&continue=${encodeURIComponent(token)}`
      const path = `${collection(namespace)}?${this.#selector}&limit=${this.#timing.pageItems}${next}`
      const page = fields(await this.#client.getJson(path, signal))
      const metadata = fields(page['metadata'])
      for (const item of list(page['items'])) {
        const pod = podView(item)
        if (pod !== undefined) pods.set(pod.uid, pod)
      }
      const resourceVersion = text(metadata['resourceVersion'])
      if (!Array.isArray(page['items']) || resourceVersion === '') {
        throw new ApiError('garbled', 'the Kubernetes API answered a list of pods with something else')
      }
      token = text(metadata['continue'])
      if (token === '') return { pods, resourceVersion }
    }
  }

  /** @throws {ApiError} where no stream was opened; how an open one ended is the result */
  async watch(namespace: string, from: string, handler: WatchHandler, signal: AbortSignal): Promise<WatchOutcome> {
    const seconds = Math.max(1, Math.round(this.#timing.watchSeconds * (0.8 + 0.4 * this.#random())))
    const options = `watch=1&allowWatchBookmarks=true&resourceVersion=${encodeURIComponent(from)}&timeoutSeconds=${seconds}`
    const stream = await this.#client.get(`${collection(namespace)}?${this.#selector}&${options}`, signal)
    const opened = this.#clock.now()
    const late = new Error(`a watch of ${seconds} s did not end`)
    const cancel = this.#clock.after(seconds * 1000 + this.#timing.watchMarginMs, () => stream.destroy(late))
    const progress = { items: 0 }
    handler.opened()
    const error = await this.#read(stream, handler, progress)
    cancel()
    return { lastedMs: this.#clock.now() - opened, askedMs: seconds * 1000, items: progress.items, error }
  }

  async #read(
    stream: IncomingMessage,
    handler: WatchHandler,
    progress: { items: number },
  ): Promise<ApiError | undefined> {
    const lines = new JsonLines(this.#timing.maxLineBytes)
    let told: ApiError | undefined
    let cancelCut: (() => void) | undefined
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        if (told !== undefined) continue
        for (const line of lines.push(chunk)) {
          told = take(fields(line), handler)
          if (told !== undefined) break
          progress.items += 1
        }
        if (told === undefined) handler.settled()
        // The server ends the stream by itself now. Waiting for that keeps the connection, which the list to come needs.
        else cancelCut = this.#clock.after(this.#timing.lingerMs, () => stream.destroy())
      }
      return told
    } catch (error) {
      if (told !== undefined) return told
      if (error instanceof ApiError) return error
      if (error instanceof SyntaxError) return new ApiError('garbled', `the watch brought no JSON: ${error.message}`)
      return this.#client.unreachable(error)
    } finally {
      cancelCut?.()
    }
  }
}

function collection(namespace: string): string {
  return namespace === '*' ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`
}

/**
 * @returns what an ERROR event says, after which the server sends nothing more
 * @throws {ApiError} for what is no event
 */
function take(event: Readonly<Record<string, unknown>>, handler: WatchHandler): ApiError | undefined {
  const object = fields(event['object'])
  const version = text(fields(object['metadata'])['resourceVersion'])
  const pod = podView(object)
  switch (event['type']) {
    case 'ADDED':
    case 'MODIFIED':
      if (pod !== undefined) handler.seen(pod)
      break
    case 'DELETED':
      if (pod !== undefined) handler.gone(pod.uid)
      break
    case 'BOOKMARK':
      break
    case 'ERROR': {
      const said = `the watch ended with ${object['code']} (${text(object['message'])})`
      return new ApiError(object['code'] === 410 ? 'gone' : 'refused', said)
    }
    default:
      throw new ApiError('garbled', `the watch brought an event of the unknown type ${JSON.stringify(event['type'])}`)
  }
  if (version !== '') handler.reached(version)
  return undefined
}
