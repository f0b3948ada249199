/** The reference of the chart's values, from the comments `# --` in values.yaml, which stand above what they describe. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml'
import { code, sentence, table } from './markdown.ts'

const file = fileURLToPath(new URL('../../charts/vxtap/values.yaml', import.meta.url))

export interface DescribedValue {
  /** Names from the outside in, as `--set` takes them. */
  readonly path: string
  readonly default: string
  readonly meaning: string
}

/** A value is what has a description; what has none is a group of values. */
export function describedValues(text: string): DescribedValue[] {
  const { contents } = parseDocument(text)
  if (!isMap(contents)) throw new TypeError('values.yaml is not a map')
  return valuesOf(contents, [], contents.commentBefore ?? '')
}

/** The comment above a map's first key belongs to the map as the parser sees it. */
function valuesOf(map: YAMLMap, above: readonly string[], ofFirst: string): DescribedValue[] {
  return map.items.flatMap((pair, index) => {
    const path = [...above, nameOf(pair)]
    const comment = (isScalar(pair.key) ? pair.key.commentBefore : undefined) ?? (index === 0 ? ofFirst : '')
    const meaning = descriptionIn(comment)
    if (meaning !== undefined) return [{ path: path.join('.'), default: shown(pair), meaning }]
    if (isMap(pair.value)) return valuesOf(pair.value, path, pair.value.commentBefore ?? '')
    throw new Error(`values.yaml: ${path.join('.')} has no comment that starts with "# --"`)
  })
}

function nameOf({ key }: Pair): string {
  if (isScalar(key) && typeof key.value === 'string') return key.value
  throw new TypeError('values.yaml: a name is not a text')
}

/** From ` --` to the end of the comment's paragraph. */
function descriptionIn(comment: string): string | undefined {
  const start = comment.lastIndexOf(' -- ')
  if (start === -1) return undefined
  return comment
    .slice(start + ' -- '.length)
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
}

function shown({ value }: Pair): string {
  const plain = isScalar(value) || isCollection(value) ? value.toJSON() : value
  return code(JSON.stringify(plain))
}

const isCollection = (value: unknown): value is { toJSON(): unknown } =>
  typeof value === 'object' && value !== null && 'toJSON' in value

export function chartValuesTable(): string {
  const rows = describedValues(readFileSync(file, 'utf8')).map((value) => [
    code(value.path),
    value.default,
    sentence(value.meaning),
  ])
  return table(['Value', 'Default', 'Meaning'], rows)
}
