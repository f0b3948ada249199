/**
 * Where pods that ask for a tap can be: those with the label of their own, anywhere, and those without in namespaces that
 * ask for all of theirs. Pure. The two do not overlap, so that no pod is watched twice.
 */
import { injectKey } from '../../contract/annotations.ts'
import { wishOf } from '../opt-in.ts'
import type { NamespaceFacts } from '../plan.ts'

export interface Scope {
  /** The same for the same scope, for as long as it exists. */
  readonly key: string
  readonly path: string
  readonly labelSelector: string
}

/** More namespaces than this, and all pods without the label are watched at once, in place of a watch for each. */
export const mostNamespaceWatches = 32

export function scopesOf(namespaces: Iterable<NamespaceFacts>): Scope[] {
  const asking = [...namespaces].filter(asksForAll).map(({ name }) => name)
  const labelled: Scope = { key: 'labelled', path: '/api/v1/pods', labelSelector: injectKey }
  const rest = `!${injectKey}`
  if (asking.length > mostNamespaceWatches) {
    return [labelled, { key: 'all', path: '/api/v1/pods', labelSelector: rest }]
  }
  return [
    labelled,
    ...asking.map((name) => ({
      key: `namespace ${name}`,
      path: `/api/v1/namespaces/${name}/pods`,
      labelSelector: rest,
    })),
  ]
}

/** What cannot be understood counts as asked for: the decision then says what is wrong. */
export function asksForAll({ name, labels, annotations }: NamespaceFacts): boolean {
  const wish = wishOf(labels, annotations, name)
  return wish.kind === 'invalid' || (wish.kind === 'wish' && wish.inject)
}
