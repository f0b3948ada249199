/** One HTTP request, front to back: who, what, may they, faults, answer, log line. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access, User } from './access.ts'
import type { Faults } from './faults.ts'
import type { Lister } from './list.ts'
import { metadataListOf, wantsMetadata } from './metadata-only.ts'
import { apiVersionOf, type KubernetesObject, type Resource, type Stored } from './objects.ts'
import type { Operations } from './operations.ts'
import { type PodProxy, proxyToPod } from './pod-proxy.ts'
import { type Route, routeOf, type Verb } from './route.ts'
import { badRequest, forbidden, internalError, StatusError, unauthorized } from './status.ts'
import type { Store } from './store.ts'
import type { Watches, WatchOptions } from './watch.ts'

export interface RequestRecord {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly verb: Verb | undefined
  readonly resource: string | undefined
  readonly namespace: string | undefined
  readonly user: string | undefined
  /** 0 until answered. */
  status: number
}

export interface Parts {
  readonly store: Store
  readonly access: Access
  readonly faults: Faults
  readonly lister: Lister
  readonly watches: Watches
  readonly operations: Operations
  readonly requests: RequestRecord[]
  readonly watchOptions: () => WatchOptions
  readonly podProxy: PodProxy
  readonly now: () => number
}

const maxBodyBytes = 3 * 1024 * 1024

export async function handle(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url: target = '/' } = request
  const user = parts.access.authenticate(request.headers.authorization)
  let route: Route | undefined
  let refusal: StatusError | undefined
  try {
    route = routeOf(method, target)
  } catch (error) {
    refusal = error instanceof StatusError ? error : badRequest(String(error))
  }
  const record: RequestRecord = {
    at: parts.now(),
    method,
    target,
    verb: route?.verb,
    resource: route?.resource.plural,
    namespace: route?.namespace,
    user: user?.username,
    status: 0,
  }
  parts.requests.push(record)
  response.on('close', () => {
    if (response.headersSent) record.status = response.statusCode
  })
  try {
    await parts.faults.hold()
    const status = parts.faults.take(route)
    if (status !== undefined)
      throw new StatusError(status, 'InternalError', `the server answered ${status} because a test said so`)
    if (route === undefined && /^\/(healthz|livez|readyz|version)$/.test(target)) {
      answer(response, 200, target === '/version' ? { major: '1', minor: '36', gitVersion: 'v1.36.0-lab' } : 'ok')
      return
    }
    if (user === undefined) throw unauthorized()
    if (route === undefined) throw refusal
    await dispatch(parts, route, user, request, response)
  } catch (error) {
    const refused =
      error instanceof StatusError ? error : internalError(error instanceof Error ? error.message : String(error))
    // What the real server sends along when it sheds load (API Priority and Fairness).
    if (refused.status.code === 429 && !response.headersSent) response.setHeader('retry-after', '1')
    if (response.headersSent) response.destroy()
    else answer(response, refused.status.code, refused.status)
  } finally {
    if (response.headersSent) record.status = response.statusCode
  }
}

async function dispatch(
  parts: Parts,
  route: Route,
  user: User,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { resource, namespace, name, subresource, verb, query } = route
  // As the real server reads it: apiserver/pkg/endpoints/request/requestinfo.go.
  const selected = /^metadata\.name=([^,]+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? ''
  if (!parts.access.allows(user, verb, resource, subresource, namespace, name || selected)) {
    throw forbidden(user.username, verb, resource, namespace, name)
  }
  const { operations } = parts
  if (subresource === 'proxy') return proxyToPod(parts.podProxy, parts.store, route, response)
  switch (verb) {
    case 'get':
      return answer(response, 200, parts.store.get(resource, namespace, name))
    case 'list':
      return answer(
        response,
        200,
        wantsMetadata(request.headers.accept) ? metadataListOf(parts.lister.list(route)) : parts.lister.list(route),
      )
    case 'watch':
      return parts.watches.open(route, request, response, parts.watchOptions())
    case 'create': {
      const sent = await readObject(request, resource)
      const dryRun = query.get('dryRun') === 'All'
      const { object, warnings } = await operations.create(resource, namespace, sent, user, dryRun)
      return answer(response, 201, object, warnings)
    }
    case 'update':
      return answer(
        response,
        200,
        operations.update(resource, namespace, name, await readObject(request, resource), subresource),
      )
    case 'patch': {
      const type = request.headers['content-type'] ?? ''
      return answer(
        response,
        200,
        operations.patch(resource, namespace, name, type, await readJson(request), subresource),
      )
    }
    case 'delete': {
      const options = (await readJson(request)) as { gracePeriodSeconds?: number } | undefined
      const grace = query.get('gracePeriodSeconds') ?? options?.gracePeriodSeconds
      return answer(
        response,
        200,
        operations.delete(resource, namespace, name, grace === undefined ? undefined : Number(grace)),
      )
    }
  }
}

async function readObject(request: IncomingMessage, resource: Resource): Promise<KubernetesObject> {
  const body = await readJson(request)
  if (typeof body !== 'object' || body === null) throw badRequest('the request has no object in its body')
  const { kind, apiVersion } = body as Partial<Stored>
  if ((kind ?? resource.kind) !== resource.kind || (apiVersion ?? apiVersionOf(resource)) !== apiVersionOf(resource)) {
    throw badRequest(
      `the object provided is ${apiVersion} ${kind}, expected ${apiVersionOf(resource)} ${resource.kind}`,
    )
  }
  return body as KubernetesObject
}

/** @returns undefined for an empty body */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBodyBytes) throw failureTooLarge()
    chunks.push(chunk)
  }
  if (length === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown
  } catch (error) {
    throw badRequest(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function failureTooLarge(): StatusError {
  return new StatusError(413, 'RequestEntityTooLarge', `the request is larger than ${maxBodyBytes} bytes`)
}

function answer(response: ServerResponse, status: number, body: unknown, warnings: readonly string[] = []): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.statusCode = status
  response.setHeader('content-type', typeof body === 'string' ? 'text/plain' : 'application/json')
  // RFC 7234 section 5.5: warn-code 299, warn-agent '-', warn-text as a quoted string.
  if (warnings.length > 0) {
    const quoted = warnings.map(
      (warning) => `299 - "${warning.replace(/[^\x20-\x7e]/g, ' ').replace(/(["\\])/g, '\\$1')}"`,
    )
    response.setHeader('warning', quoted)
  }
  response.end(text)
}
