/**
 * JSON as it arrived. Pods are read and patched in this form, never through a typed model, so that fields unknown to us
 * stay what they are. Reading tolerates every wrong type: a string where an object belongs is an object without members.
 */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

/** A member of an object, own properties only: `constructor` and `__proto__` are names like any other. */
export function member(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** Walks down members; undefined where the way ends. */
export function at(value: Json | undefined, ...names: readonly string[]): Json | undefined {
  let found = value
  for (const name of names) found = member(found, name)
  return found
}

/** The object there, or an empty one. */
export function objectAt(value: Json | undefined, ...names: readonly string[]): JsonObject {
  const found = at(value, ...names)
  return isObject(found) ? found : {}
}

/** The elements of the array there, or none. */
export function elementsAt(value: Json | undefined, ...names: readonly string[]): readonly Json[] {
  const found = at(value, ...names)
  return isArray(found) ? found : []
}

/** The text there, or undefined. */
export function textAt(value: Json | undefined, ...names: readonly string[]): string | undefined {
  const found = at(value, ...names)
  return typeof found === 'string' ? found : undefined
}
