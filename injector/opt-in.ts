/**
 * Who asks for a tap. The pod is heard before its namespace; on the same object the label is heard before the annotation,
 * because the webhook's object selector sees labels only.
 */
import { injectKey, injectSetting } from '../contract/annotations.ts'
import { refusal } from '../contract/setting.ts'
import { type Json, type JsonObject, member } from './json.ts'

export type Wish =
  | { readonly kind: 'none' }
  | { readonly kind: 'wish'; readonly inject: boolean }
  | { readonly kind: 'invalid'; readonly problem: string }

/**
 * @param labels undefined where they are not known
 * @param whose how the sentence names the object: "the pod", "the namespace shop"
 */
export function wishOf(labels: JsonObject | undefined, annotations: JsonObject | undefined, whose: string): Wish {
  const label = member(labels, injectKey)
  if (label !== undefined) return read(label, `the label of ${whose}`)
  const annotation = member(annotations, injectKey)
  return annotation === undefined ? { kind: 'none' } : read(annotation, `the annotation of ${whose}`)
}

function read(value: Json, where: string): Wish {
  const text = typeof value === 'string' ? value : undefined
  const parsed = text === undefined ? undefined : injectSetting.parse(text)
  if (parsed?.ok) return { kind: 'wish', inject: parsed.value }
  return { kind: 'invalid', problem: `${where} ${refusal(injectKey, text ?? shown(value), injectSetting)}` }
}

/** A value that should have been a string, as the manifest has it: an unquoted true is a boolean in YAML. */
export function shown(value: Json): string {
  return typeof value === 'object' && value !== null ? 'an object or a list' : `${String(value)} (not a string)`
}
