/** RFC 6902 operations on a YAML document: order and comments of what is not touched stay as they are. */
import { type Document, isAlias, isMap, isSeq, type Node, visit } from 'yaml'
import type { AddOperation } from '../patch.ts'
import type { Path } from './templates.ts'

/** @throws where an operation does not apply. */
export function applyToDocument(document: Document, base: Path, operations: readonly AddOperation[]): void {
  for (const { path, value } of operations) {
    const tokens = path.split('/').slice(1).map(unescapeToken)
    const last = tokens.pop() ?? ''
    const parent = nodeToChange(document, [...base, ...tokens])
    if (isSeq(parent)) {
      const index = last === '-' ? parent.items.length : Number(last)
      parent.items.splice(index, 0, document.createNode(value))
    } else if (isMap(parent)) {
      parent.set(document.createNode(last), document.createNode(value))
    } else {
      throw new TypeError(`nothing can be added at ${path}`)
    }
  }
}

const unescapeToken = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~')

/** The node there. An alias on the way is replaced by a copy, so that what it stands for elsewhere stays unchanged. */
function nodeToChange(document: Document, path: Path): unknown {
  let node: unknown = document.contents
  for (const step of path) {
    if (!isMap(node) && !isSeq(node)) return undefined
    let child: unknown = node.get(step, true)
    if (isAlias(child)) {
      child = withoutAnchors(child.resolve(document))
      node.set(step, child)
    }
    node = child
  }
  return node
}

function withoutAnchors(node: Node | undefined): Node | undefined {
  const copy = node?.clone() as Node | undefined
  if (copy === undefined) return undefined
  visit(copy, {
    Node(_key, inner) {
      if (!isAlias(inner)) delete (inner as { anchor?: string }).anchor
    },
  })
  return copy
}
