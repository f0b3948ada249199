/**
 * Generated parts inside Markdown that people write: what stands between `<!-- generated:NAME -->` and
 * `<!-- /generated:NAME -->` is replaced, everything else is left alone.
 */
const part = /<!-- generated:(?<name>[a-z0-9-]+) -->\n[\s\S]*?<!-- \/generated:\k<name> -->/g

/** Which parts a document asks for, in order. */
export function partNames(document: string): string[] {
  return [...document.matchAll(part)].map((match) => match.groups?.['name'] ?? '')
}

/** @throws where a document asks for a part that nothing makes. */
export function fillParts(document: string, parts: ReadonlyMap<string, string>): string {
  return document.replaceAll(part, (_whole, name: string) => {
    const text = parts.get(name)
    if (text === undefined) {
      throw new Error(`no part is named "${name}"; there are ${[...parts.keys()].join(', ')}`)
    }
    return `<!-- generated:${name} -->\n\n${text.trim()}\n\n<!-- /generated:${name} -->`
  })
}
