/** PATCH in the three forms that clients send. */
import jsonpatch from 'fast-json-patch'
import type { KubernetesObject } from './objects.ts'
import { badRequest, StatusError } from './status.ts'

/** Lists that a strategic merge joins by a key instead of replacing; the few that pods and nodes are patched in. */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  podIPs: 'ip',
  ownerReferences: 'uid',
}

/** @throws {StatusError} 400, 415 or 422 */
export function patched<T extends KubernetesObject>(object: T, contentType: string, body: unknown): T {
  switch (contentType.split(';')[0]?.trim()) {
    case 'application/json-patch+json':
      return jsonPatched(object, body)
    case 'application/merge-patch+json':
      return merged(object, body, false) as T
    case 'application/strategic-merge-patch+json':
    case 'application/apply-patch+yaml':
      return merged(object, body, true) as T
    default:
      throw new StatusError(
        415,
        'UnsupportedMediaType',
        `the patch type ${JSON.stringify(contentType)} is not supported`,
      )
  }
}

/** RFC 6902 on a copy. */
export function jsonPatched<T extends KubernetesObject>(object: T, operations: unknown): T {
  if (!Array.isArray(operations)) throw badRequest('a JSON Patch must be an array of operations')
  try {
    return jsonpatch.applyPatch(structuredClone(object), operations, true).newDocument
  } catch (error) {
    const [firstLine] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new StatusError(
      422,
      'Invalid',
      `the server rejected our request due to an error in our request: ${firstLine}`,
    )
  }
}

type Fields = Record<string, unknown>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 7396; strategic merges the keyed lists besides. */
function merged(target: unknown, patch: unknown, strategic: boolean): unknown {
  if (!isFields(patch)) return patch
  const result: Fields = isFields(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    const key = strategic ? mergeKeys[name] : undefined
    if (value === null) delete result[name]
    else if (key !== undefined && Array.isArray(value)) result[name] = joined(result[name], value, key)
    else result[name] = merged(result[name], value, strategic)
  }
  return result
}

function joined(target: unknown, patch: readonly unknown[], key: string): unknown[] {
  const result = Array.isArray(target) ? [...(target as unknown[])] : []
  for (const item of patch) {
    const at = result.findIndex((other) => isFields(other) && isFields(item) && other[key] === item[key])
    if (at === -1) result.push(merged(undefined, item, true))
    else if (isFields(item) && item['$patch'] === 'delete') result.splice(at, 1)
    else result[at] = merged(result[at], item, true)
  }
  return result
}
