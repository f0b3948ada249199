/** Pods by their metadata alone, listed in pages and watched; of each, only what is needed is kept, on arrival. */
import { statusKey } from '../../contract/annotations.ts'
import type { ListWatchSource } from '../cluster/list-watch.ts'
import type { Rest } from '../cluster/rest.ts'
import { objectSource } from '../cluster/source.ts'
import { at, type Json, objectAt, textAt } from '../json.ts'
import { wishOf } from '../opt-in.ts'
import type { Scope } from './scopes.ts'

export interface SeenPod {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** Whether a tap may be missing. Of the others, nothing need be remembered. */
  readonly suspicious: boolean
}

// The server ends a watch after this; when it is not heard of for longer, the connection is dead.
const watchSeconds = 240
const watchTimeoutMs = 270_000

export function podMetadataSource(rest: Rest, { path, labelSelector }: Scope): ListWatchSource<SeenPod> {
  const options = { watchSeconds, watchTimeoutMs, metadata: true, ...(labelSelector ? { labelSelector } : {}) }
  return objectSource(rest, path, seenPodOf, options, ({ suspicious }) => suspicious)
}

function seenPodOf(object: Json): SeenPod {
  const annotations = objectAt(object, 'metadata', 'annotations')
  const wish = wishOf(objectAt(object, 'metadata', 'labels'), annotations, 'the pod')
  return {
    uid: textAt(object, 'metadata', 'uid') ?? '',
    namespace: textAt(object, 'metadata', 'namespace') ?? '',
    name: textAt(object, 'metadata', 'name') ?? '',
    suspicious:
      annotations[statusKey] === undefined &&
      at(object, 'metadata', 'deletionTimestamp') === undefined &&
      !(wish.kind === 'wish' && !wish.inject),
  }
}
