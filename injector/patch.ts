/**
 * The change as RFC 6902 operations, written by hand (a generated difference grows with the pod) and tried on a copy
 * before they leave: the API server rejects a pod whose patch decodes but does not apply, whatever the failurePolicy
 * (kubernetes/kubernetes#129459).
 */
import jsonpatch from 'fast-json-patch'
import { statusKey } from '../contract/annotations.ts'
import { existingSidecar } from './existing.ts'
import { at, isArray, isObject, type Json, type JsonObject } from './json.ts'
import type { Injection } from './plan.ts'

export interface AddOperation {
  readonly op: 'add'
  readonly path: string
  readonly value: Json
}

export type PatchResult =
  | { readonly ok: true; readonly operations: readonly AddOperation[]; readonly patched: JsonObject }
  | { readonly ok: false; readonly cause: string }

/** The operations for an injection, proved to apply to this pod. Never throws. */
export function patchPod(pod: JsonObject, injection: Injection): PatchResult {
  try {
    const operations = operationsFor(pod, injection)
    const patched = applyOperations(pod, operations)
    const result = existingSidecar(patched).kind
    if (result !== 'present') return { ok: false, cause: `the sidecar is ${result} in the result` }
    return { ok: true, operations, patched }
  } catch (error) {
    return { ok: false, cause: error instanceof Error ? firstLine(error.message) : String(error) }
  }
}

/**
 * Applies operations to a copy, of which only what they change is new: a pod with 1,500 variables is most of a
 * millisecond to copy whole. Neither the document nor the operations change.
 * @throws TypeError where one does not apply.
 */
export function applyOperations(document: JsonObject, operations: readonly AddOperation[]): JsonObject {
  const whole = shallowCopy(document)
  const copies = new Set<Json>([whole])
  for (const { op, path, value } of operations) {
    prepare(whole, path, copies)
    // What one operation adds, the next may add to. The library's own check of each operation costs more than all else
    // here, since it looks for undefined in every value.
    jsonpatch.applyOperation(whole, { op, path, value: shallowCopy(value) }, false, true)
  }
  return whole
}

/** Puts copies in the place of what the path leads through; refuses a path to where nothing can be added (RFC 6902 4.1). */
function prepare(whole: JsonObject, path: string, copies: Set<Json>): void {
  const tokens = path.split('/').slice(1).map(unescapeToken)
  const last = tokens.pop() ?? ''
  let parent: Json = whole
  for (const token of tokens) {
    const found: Json | undefined = Object.hasOwn(parent, token) ? (parent as JsonObject)[token] : undefined
    if (typeof found !== 'object' || found === null) throw new TypeError(`${path} leads nowhere`)
    const below: Json = copies.has(found) ? found : shallowCopy(found)
    copies.add(below)
    if (below !== found) (parent as Record<string, Json>)[token] = below
    parent = below
  }
  if (isArray(parent) && last !== '-' && !(/^(0|[1-9]\d*)$/.test(last) && Number(last) <= parent.length)) {
    throw new TypeError(`${path} is not a place in a list of ${parent.length}`)
  }
}

function shallowCopy<Value extends Json>(value: Value): Value {
  if (isArray(value)) return [...value] as unknown as Value
  return isObject(value) ? ({ ...(value as JsonObject) } as Value) : value
}

/** RFC 6901 section 3: `~` and `/` within a reference token. */
export function escapeToken(name: string): string {
  return /[~/]/.test(name) ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name
}

const unescapeToken = (token: string): string =>
  token.includes('~') ? token.replaceAll('~1', '/').replaceAll('~0', '~') : token

function operationsFor(pod: JsonObject, injection: Injection): AddOperation[] {
  if (injection.kind === 'restore-restart-policy') {
    return [add(['spec', 'initContainers', String(injection.index), 'restartPolicy'], 'Always')]
  }
  const { container, native, volume, status } = injection
  return [
    ...missingObjects(pod, [['spec'], ['metadata']]),
    ...addElement(pod, ['spec', native ? 'initContainers' : 'containers'], container, native ? 'first' : 'last'),
    ...(volume === undefined ? [] : addElement(pod, ['spec', 'volumes'], volume, 'last')),
    ...addMember(pod, ['metadata', 'annotations'], statusKey, JSON.stringify(status)),
  ]
}

const add = (names: readonly string[], value: Json): AddOperation => ({
  op: 'add',
  path: names.map((name) => `/${escapeToken(name)}`).join(''),
  value,
})

/** `add` needs its parent. */
function missingObjects(pod: JsonObject, objects: readonly (readonly string[])[]): AddOperation[] {
  return objects.flatMap((names) => {
    const existing = at(pod, ...names)
    if (isObject(existing)) return []
    refuseOther(existing, names, 'an object')
    return [add(names, {})]
  })
}

/** Neither `-` nor an index works where the list is absent or null: then it is made with the element in it. */
function addElement(pod: JsonObject, list: readonly string[], element: Json, where: 'first' | 'last'): AddOperation[] {
  const existing = at(pod, ...list)
  if (isArray(existing)) return [add([...list, where === 'first' ? '0' : '-'], element)]
  refuseOther(existing, list, 'a list')
  return [add(list, [element])]
}

function addMember(pod: JsonObject, map: readonly string[], name: string, value: Json): AddOperation[] {
  const existing = at(pod, ...map)
  if (isObject(existing)) return [add([...map, name], value)]
  refuseOther(existing, map, 'an object')
  return [add(map, { [name]: value })]
}

/** What is there and is neither of the right kind nor null is somebody's: it is not replaced. */
function refuseOther(existing: Json | undefined, names: readonly string[], kind: string): void {
  if (existing === undefined || existing === null) return
  throw new TypeError(`the pod's ${names.join('.')} is not ${kind}`)
}

// fast-json-patch appends the whole document to its messages.
const firstLine = (message: string): string => message.split('\n', 1)[0]!.slice(0, 200)
