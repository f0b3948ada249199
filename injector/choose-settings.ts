/**
 * Which text each setting gets: the pod's annotation, else its namespace's, else the operator's default.
 *
 * A pod may set only what the operator lets pods override. A namespace may set everything: writing Namespace objects is
 * not among the rights of the roles `admin` and `edit`, so its annotations are the operator's word. What is not
 * understood is not guessed at: an unknown name under our prefix may be a mistyped filter.
 */
import {
  annotationPrefix,
  annotationSettings,
  injectKey,
  sensorAnnotationKeys,
  statusKey,
} from '../contract/annotations.ts'
import type { SensorReference } from '../contract/places.ts'
import { printable, refusal, type Setting } from '../contract/setting.ts'
import { sidecarSettings } from '../contract/sidecar-settings.ts'
import type { Json, JsonObject } from './json.ts'
import { nearest } from './nearest.ts'
import { shown } from './opt-in.ts'

export type Source = 'pod' | 'namespace' | 'default'

export interface Choice {
  readonly text: string
  /** What the setting's parser made of the text. */
  readonly value: unknown
  readonly source: Source
}

/** By annotation name without the prefix. Settings nobody chose are absent: the sidecar has its own defaults. */
export type Choices = ReadonlyMap<string, Choice>

export type ChoiceResult =
  | { readonly ok: true; readonly choices: Choices }
  | { readonly ok: false; readonly code: 'invalid_annotation'; readonly problem: string }
  | { readonly ok: false; readonly code: 'override_not_allowed'; readonly what: string; readonly allow: string }

const saysNothingOfATap: ReadonlySet<string> = new Set([injectKey, statusKey, ...sensorAnnotationKeys])

export interface ChoiceRules {
  /** The operator's defaults by annotation name, validated when the injector started. */
  readonly defaults: Readonly<Record<string, string>>
  /** What pods may override; see `overridable`. */
  readonly allowedOverrides: ReadonlySet<string>
}

export function chooseSettings(pod: JsonObject, namespace: JsonObject | undefined, rules: ChoiceRules): ChoiceResult {
  const defaults = defaultChoices(rules.defaults)
  let choices: Map<string, Choice> | undefined
  for (const [source, annotations] of [
    ['namespace', namespace ?? {}],
    ['pod', pod],
  ] as const) {
    for (const [key, value] of Object.entries(annotations)) {
      if (!key.startsWith(annotationPrefix) || saysNothingOfATap.has(key)) continue
      const read = readAnnotation(key, value, source)
      if (!read.ok) return read
      const forbidden = source === 'pod' ? forbiddenOverride(read.name, read.text, rules.allowedOverrides) : undefined
      if (forbidden) return forbidden
      choices ??= new Map(defaults)
      choices.set(read.name, { text: read.text, value: read.value, source })
    }
  }
  return { ok: true, choices: choices ?? defaults }
}

// Settings in force stay the same object for as long as they are, and every pod of that time is decided by them.
const choicesOf = new WeakMap<ChoiceRules['defaults'], Choices>()

function defaultChoices(defaults: ChoiceRules['defaults']): Choices {
  let choices = choicesOf.get(defaults)
  if (choices === undefined) {
    choices = new Map(
      Object.entries(defaults).map(([name, text]) => {
        const parsed = annotationSettings.get(name)?.parse(text)
        return [name, { text, value: parsed?.ok ? parsed.value : undefined, source: 'default' }]
      }),
    )
    choicesOf.set(defaults, choices)
  }
  return choices
}

/** The parsed value of a chosen setting, its default where nobody chose it, undefined where it has none. */
export function chosenValue<T>(choices: Choices, setting: Setting<T> & { readonly annotation: string }): T | undefined {
  const choice = choices.get(setting.annotation)
  // Whose annotation it is, its parser made the value.
  if (choice !== undefined) return choice.value as T | undefined
  if (!defaultValues.has(setting)) {
    const parsed = setting.default === undefined ? undefined : setting.parse(setting.default)
    defaultValues.set(setting, parsed?.ok ? parsed.value : undefined)
  }
  return defaultValues.get(setting) as T | undefined
}

const defaultValues = new WeakMap<Setting<unknown>, unknown>()

export function sensorOf(choices: Choices): SensorReference | undefined {
  return chosenValue<SensorReference>(choices, sidecarSettings.sensor)
}

type Read =
  | { readonly ok: true; readonly name: string; readonly text: string; readonly value: unknown }
  | { readonly ok: false; readonly code: 'invalid_annotation'; readonly problem: string }

function readAnnotation(key: string, value: Json, source: Source): Read {
  const name = key.slice(annotationPrefix.length)
  const setting = annotationSettings.get(name)
  if (!setting) return invalid(unknownAnnotation(key, name, source))
  if (typeof value !== 'string') return invalid(refusal(key, shown(value), setting))
  const parsed = setting.parse(value)
  return parsed.ok ? { ok: true, name, text: value, value: parsed.value } : invalid(refusal(key, value, setting))
}

const invalid = (problem: string): Read => ({ ok: false, code: 'invalid_annotation', problem })

// Admission comes before validation: a key may still be anything. A valid one has at most 63 characters after its prefix.
const longestKey = annotationPrefix.length + 63

function unknownAnnotation(key: string, name: string, source: Source): string {
  const near = nearest(name, annotationSettings.keys())
  const hint = near === undefined ? '' : `; the nearest is ${annotationPrefix}${near}`
  return `${printable(key, longestKey)} on the ${source} is not an annotation of vxtap${hint}`
}

function forbiddenOverride(name: string, text: string, allowed: ReadonlySet<string>): ChoiceResult | undefined {
  const key = annotationPrefix + name
  if (name === sidecarSettings.engine.annotation && text === 'kernel' && !allowed.has('engine-kernel')) {
    return refusedOverride(`${key} to kernel, which needs NET_ADMIN`, 'engine-kernel')
  }
  if (name !== 'sensor') return allowed.has(name) ? undefined : refusedOverride(key, name)
  const sensor = sidecarSettings.sensor.parse(text)
  if (sensor.ok && sensor.value.kind === 'label') return allowed.has('sensor') ? undefined : refusedOverride(key, name)
  return allowed.has('sensor-address')
    ? undefined
    : refusedOverride(`${key} to an address or host name`, 'sensor-address')
}

const refusedOverride = (what: string, allow: string): ChoiceResult => ({
  ok: false,
  code: 'override_not_allowed',
  what,
  allow,
})
