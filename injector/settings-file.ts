/**
 * The operator's policy as a file (YAML, or JSON, which is YAML): text in, settings or all of its problems out. A setting
 * in the file stands in for the variable of the same meaning, so both are read by the same table, and the file wins: it
 * is what can change while the injector runs.
 */
import { isScalar, LineCounter, parseDocument } from 'yaml'
import { type InjectorSettings, readInjectorSettings } from '../contract/injector-settings.ts'
import { type Environment, printable, refusal } from '../contract/setting.ts'
import { defaultsKey, type FileSetting, settingsOfFile } from '../contract/settings-file.ts'
import { isArray, isObject, type Json } from './json.ts'
import { nearest } from './nearest.ts'
import { type FileParsed, type ParseFile, readParsed } from './watched-file.ts'

const longestName = 80

/** Takes a file's content and its name; settings that the file does not have are the environment's. */
export function settingsParser(environment: Environment): ParseFile<InjectorSettings> {
  return (content, file) => {
    const variables = variablesIn(content.toString('utf8'))
    if (!variables.ok) return { ok: false, problems: variables.problems.map((problem) => `${file}: ${problem}`) }
    const read = readInjectorSettings({ ...environment, ...variables.value })
    return read.ok ? { ok: true, value: read.settings } : read
  }
}

export type LoadedSettings =
  | { readonly ok: true; readonly settings: InjectorSettings; readonly content: Buffer | undefined }
  | { readonly ok: false; readonly problems: readonly string[] }

/** At the start: from the environment, and from the file that it names, if any. All problems at once. */
export async function loadSettings(environment: Environment): Promise<LoadedSettings> {
  const file = environment['SETTINGS_FILE'] ?? ''
  const alone = readInjectorSettings(environment)
  if (file === '') return alone.ok ? { ...alone, content: undefined } : alone
  const read = await readParsed(file, settingsParser(environment))
  if (read.ok) return { ok: true, settings: read.value, content: read.content }
  return { ok: false, problems: [...new Set([...(alone.ok ? [] : alone.problems), ...read.problems])] }
}

/** By variable. */
export function variablesIn(text: string): FileParsed<Readonly<Record<string, string>>> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message}`)
    return { ok: false, problems }
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return { ok: true, value: {} }
  }
  let content: Json
  try {
    content = document.toJS() as Json
  } catch (error) {
    // Aliases of aliases of aliases.
    return { ok: false, problems: [error instanceof Error ? error.message : String(error)] }
  }
  if (!isObject(content)) return { ok: false, problems: ['it is not a map of settings'] }
  const problems: string[] = []
  const variables: Record<string, string> = {}
  const take = (path: string, value: Json): void => {
    const known = settingsOfFile.get(path)
    if (known === undefined) problems.push(unknownSetting(path))
    else if (value !== null) variables[known.variable] = textOfSetting(known, value, problems)
  }
  for (const [key, value] of Object.entries(content)) {
    if (key !== defaultsKey) take(key, value)
    else if (isObject(value)) for (const [name, text] of Object.entries(value)) take(`${defaultsKey}.${name}`, text)
    else if (value !== null) problems.push(`${defaultsKey} is not a map of annotations and their values`)
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: variables }
}

function textOfSetting({ path, setting }: FileSetting, value: Json, problems: string[]): string {
  const words = isArray(value) ? value : [value]
  for (const [index, word] of words.entries()) {
    const name = isArray(value) ? `${path}[${index}]` : path
    if (typeof word === 'object') problems.push(`${name} is neither a text nor a number: it must be ${setting.allowed}`)
    else if (!setting.parse(String(word)).ok) problems.push(refusal(name, String(word), setting))
  }
  return words.join(',')
}

function unknownSetting(path: string): string {
  const meant = nearest(path, settingsOfFile.keys())
  const advice = meant === undefined ? `known are ${[...settingsOfFile.keys()].join(', ')}` : `did you mean ${meant}?`
  return `${printable(path, longestName)} is not a setting of this file: ${advice}`
}
