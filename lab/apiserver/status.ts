/** metav1.Status answers, with the wording of k8s.io/apimachinery/pkg/api/errors. */
import type { Resource } from './objects.ts'

export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, never>
  status: 'Failure'
  message: string
  reason: string
  details?: Record<string, unknown>
  code: number
}

/** Thrown anywhere in a request; becomes the answer. */
export class StatusError extends Error {
  readonly status: Status

  constructor(code: number, reason: string, message: string, details?: Record<string, unknown>) {
    super(message)
    this.name = 'StatusError'
    this.status = failure(code, reason, message, details)
  }
}

export function failure(code: number, reason: string, message: string, details?: Record<string, unknown>): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  }
}

function qualified(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized')
}

export function forbidden(
  user: string,
  verb: string,
  resource: Resource,
  namespace: string,
  name: string,
): StatusError {
  const object = name === '' ? qualified(resource) : `${qualified(resource)} ${JSON.stringify(name)}`
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`
  const message = `${object} is forbidden: User ${JSON.stringify(user)} cannot ${verb} resource ${JSON.stringify(resource.plural)} in API group ${JSON.stringify(resource.group)} ${where}`
  return new StatusError(403, 'Forbidden', message, { ...(name === '' ? {} : { name }), kind: resource.plural })
}

export function notFound(resource: Resource, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(resource)} ${JSON.stringify(name)} not found`, {
    name,
    kind: resource.plural,
  })
}

export function unknownPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource')
}

export function alreadyExists(resource: Resource, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualified(resource)} ${JSON.stringify(name)} already exists`, {
    name,
    kind: resource.plural,
  })
}

export function conflict(resource: Resource, name: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} ${JSON.stringify(name)}: the object has been modified; please apply your changes to the latest version and try again`
  return new StatusError(409, 'Conflict', message, { name, kind: resource.plural })
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message)
}

export function invalid(resource: Resource, name: string, message: string): StatusError {
  const text = `${resource.kind} ${JSON.stringify(name)} is invalid: ${message}`
  return new StatusError(422, 'Invalid', text, { name, kind: resource.plural })
}

export function internalError(message: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`)
}

/** A resourceVersion whose history is gone. */
export function expired(version: number, oldest: number): StatusError {
  return new StatusError(410, 'Expired', `too old resource version: ${version} (${oldest})`)
}

export function continueExpired(): StatusError {
  const message =
    'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.'
  return new StatusError(410, 'Expired', message)
}

export function tooLarge(version: number, current: number): StatusError {
  const message = `Timeout: Too large resource version: ${version}, current: ${current}`
  return new StatusError(504, 'Timeout', message, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}
