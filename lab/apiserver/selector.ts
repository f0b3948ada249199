/**
 * Label and field selectors, in the text form of a query and in the form of an object's field.
 * Semantics: k8s.io/apimachinery/pkg/labels/selector.go (`!=` and `notin` also match where the label is absent).
 */

export type Labels = Readonly<Record<string, string>>
export type Matcher = (labels: Labels) => boolean

export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

/** @throws {Error} saying what could not be parsed */
export function parseLabelSelector(text: string): Matcher {
  const requirements = splitOutsideParentheses(text).map(parseRequirement)
  return (labels) => requirements.every((matches) => matches(labels))
}

/** An absent or empty selector matches everything. */
export function labelSelector(selector: LabelSelector | undefined): Matcher {
  const requirements = [
    ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => requirement(key, 'in', [value])),
    ...(selector?.matchExpressions ?? []).map(({ key, operator, values }) =>
      requirement(key, operator.toLowerCase().replace('doesnotexist', 'absent'), values ?? []),
    ),
  ]
  return (labels) => requirements.every((matches) => matches(labels))
}

/** Equality on dotted paths, as in `metadata.name=a,spec.nodeName!=b`; a field that is absent equals ''. */
export function parseFieldSelector(text: string): (object: unknown) => boolean {
  const terms = text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^([^=!]+)(!=|==?)(.*)$/.exec(term)
      if (match === null) throw new Error(`invalid field selector: ${JSON.stringify(term)}`)
      return { path: match[1]!.split('.'), equal: match[2] !== '!=', value: match[3]! }
    })
  return (object) => terms.every(({ path, equal, value }) => (fieldAt(object, path) === value) === equal)
}

function fieldAt(object: unknown, path: readonly string[]): string {
  let at = object
  for (const name of path)
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined
  return at === undefined || at === null ? '' : String(at)
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '')
}

const key = '([A-Za-z0-9][A-Za-z0-9._/-]*)'

function parseRequirement(term: string): Matcher {
  const set = new RegExp(`^${key}\\s+(in|notin)\\s*\\(([^)]*)\\)$`).exec(term)
  if (set !== null) {
    return requirement(
      set[1]!,
      set[2]!,
      set[3]!.split(',').map((value) => value.trim()),
    )
  }
  const equality = new RegExp(`^${key}\\s*(!=|==?)\\s*([A-Za-z0-9._-]*)$`).exec(term)
  if (equality !== null) return requirement(equality[1]!, equality[2] === '!=' ? 'notin' : 'in', [equality[3]!])
  const presence = new RegExp(`^(!?)\\s*${key}$`).exec(term)
  if (presence !== null) return requirement(presence[2]!, presence[1] === '!' ? 'absent' : 'exists', [])
  throw new Error(`unable to parse requirement: found ${JSON.stringify(term)}`)
}

function requirement(name: string, operator: string, values: readonly string[]): Matcher {
  switch (operator) {
    case 'in':
      return (labels) => labels[name] !== undefined && values.includes(labels[name])
    case 'notin':
      return (labels) => labels[name] === undefined || !values.includes(labels[name])
    case 'exists':
      return (labels) => labels[name] !== undefined
    case 'absent':
      return (labels) => labels[name] === undefined
    default:
      throw new Error(`${JSON.stringify(operator)} is not a valid label selector operator`)
  }
}
