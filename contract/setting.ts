/**
 * One setting: where its text comes from, what it may be, and the sentence that explains it.
 *
 * Parsers, the documentation's tables, the injector's annotations and the tests all derive from tables of these, so
 * that a setting is declared in one place. Parsing is pure: text in, value or refusal out.
 */

export type Parsed<T> = { ok: true; value: T } | { ok: false }

export interface Setting<T> {
  /** Environment variable that the sidecar reads, in capitals; absent for what only the injector acts on. */
  readonly env?: string
  /** Annotation (without the `vxtap.io/` prefix) that sets it; absent for what no annotation may change. */
  readonly annotation?: string
  /** Text used where the setting is absent; `undefined` makes it required. */
  readonly default: string | undefined
  /** What the documentation shows for the default, where the text itself would not explain it. */
  readonly defaultShown?: string
  /** One sentence without a final full stop: what it means. */
  readonly meaning: string
  /** What is allowed, to end the sentence "… must be". */
  readonly allowed: string
  /** A value that is allowed, shown in the error. */
  readonly example: string
  readonly parse: (text: string) => Parsed<T>
}

/** The values of a table of settings. */
export type Values<Table> = {
  readonly [Key in keyof Table]: Table[Key] extends { readonly parse: (text: string) => Parsed<infer T> } ? T : never
}

export const refused: { ok: false } = { ok: false }

export function accepted<T>(value: T): Parsed<T> {
  return { ok: true, value }
}

/** A whole number within bounds, decimal or 0x-hex; nothing else (no sign, no blank, no exponent). */
export function wholeNumber(min: number, max: number): (text: string) => Parsed<number> {
  return (text) => {
    if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) return refused
    const value = Number(text)
    return value >= min && value <= max ? accepted(value) : refused
  }
}

/** One of a closed set of words. */
export function oneOf<const Word extends string>(...words: Word[]): (text: string) => Parsed<Word> {
  return (text) => {
    const word = words.find((candidate) => candidate === text)
    return word === undefined ? refused : accepted(word)
  }
}

/** `true` or `false`. */
export function truth(text: string): Parsed<boolean> {
  const word = oneOf('true', 'false')(text)
  return word.ok ? accepted(word.value === 'true') : word
}

export function pattern(expression: RegExp): (text: string) => Parsed<string> {
  return (text) => (expression.test(text) ? accepted(text) : refused)
}

/**
 * Somebody else's text as a sentence or a log line may hold it: short, and without what a terminal acts on or what makes
 * the API server leave a warning out (control characters: NewWarningHeader() in apimachinery pkg/util/net/http.go).
 * @param most characters; what is longer ends in dots
 */
export function printable(text: string, most: number): string {
  return escaped(shortened(text, most))
}

const shortened = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 3)}...` : text)

// Most texts are of these alone, and the general case costs as much as the rest of a log line.
const ordinary = /^[ -~]*$/

const escaped = (text: string): string =>
  ordinary.test(text)
    ? text
    : text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

/**
 * The sentence for a refused value.
 * @param name how the user wrote the setting: `VNI`, or `vxtap.io/vni`
 */
export function refusal(name: string, text: string, setting: Setting<unknown>): string {
  return `${name}=${escaped(JSON.stringify(shortened(text, 80)))} is not allowed: it must be ${setting.allowed}, for example ${name}=${setting.example}`
}

/** The sentence for a required setting that is absent. */
export function absence(name: string, setting: Setting<unknown>): string {
  return `${name} is not set: it must be ${setting.allowed}, for example ${name}=${setting.example}`
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The text of a variable, unless Kubernetes made it: a Service named `sensor` in the pod's namespace gives its containers
 * `SENSOR_PORT=tcp://10.96.3.7:4789` (pkg/kubelet/envvars), whatever they take it for.
 */
export function textOf(variable: string, environment: Environment): string | undefined {
  const text = environment[variable]
  const isServiceLink = variable.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text ?? '')
  return isServiceLink ? undefined : text
}

export type VariablesResult<Table> =
  | { readonly ok: true; readonly settings: Values<Table> }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads every setting of a table from its variable; all problems at once, each a sentence. */
export function readVariables<Table extends Readonly<Record<string, Setting<unknown> & { readonly env: string }>>>(
  table: Table,
  environment: Environment,
): VariablesResult<Table> {
  const settings: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [key, setting] of Object.entries(table)) {
    const text = textOf(setting.env, environment) ?? setting.default
    if (text === undefined || (text === '' && setting.default === undefined)) {
      problems.push(absence(setting.env, setting))
      continue
    }
    const parsed = setting.parse(text)
    if (parsed.ok) settings[key] = parsed.value
    else problems.push(refusal(setting.env, text, setting))
  }
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, settings: Object.freeze(settings) as Values<Table> }
}
