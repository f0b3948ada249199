/** What a request asks for, read from its method and URL the way the API server's RequestInfo does. */
import { type Resource, resourceFor } from './objects.ts'
import { badRequest, unknownPath } from './status.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'

export interface Route {
  readonly verb: Verb
  readonly resource: Resource
  /** '' for the cluster's scope and for all namespaces. */
  readonly namespace: string
  /** '' for the collection. */
  readonly name: string
  /** '' for the object itself, `status`, or of a pod `proxy`. */
  readonly subresource: string
  /** What is asked of the pod, `/metrics`; '' but for `proxy`. */
  readonly proxyPath: string
  readonly query: URLSearchParams
}

/** @throws {StatusError} 404 for a path that is not served */
export function routeOf(method: string, target: string): Route {
  const url = new URL(target, 'https://api')
  const parts = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent)
  const prefix = parts.shift()
  const group = prefix === 'api' ? '' : prefix === 'apis' ? parts.shift() : undefined
  const version = parts.shift()
  if (group === undefined || version === undefined) throw unknownPath()
  let namespace = ''
  // /namespaces/x alone, and its status, is the namespace itself.
  if (parts[0] === 'namespaces' && parts.length > 2 && parts[2] !== 'status') {
    namespace = parts[1]!
    parts.splice(0, 2)
  }
  const [plural = '', name = '', subresource = '', ...rest] = parts
  const resource = resourceFor(group, version, plural)
  const proxied = plural === 'pods' && subresource === 'proxy'
  if (resource === undefined || (!proxied && (!['', 'status'].includes(subresource) || rest.length > 0))) {
    throw unknownPath()
  }
  if (resource.namespaced && namespace === '' && name !== '') throw unknownPath()
  return {
    verb: verbOf(method, name, url.searchParams),
    resource,
    namespace,
    name,
    subresource,
    proxyPath: proxied ? `/${rest.join('/')}` : '',
    query: url.searchParams,
  }
}

function verbOf(method: string, name: string, query: URLSearchParams): Verb {
  switch (method) {
    case 'GET':
      if (['1', 'true'].includes(query.get('watch') ?? '')) return 'watch'
      return name === '' ? 'list' : 'get'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return 'delete'
    default:
      throw badRequest(`the method ${method} is not served`)
  }
}
