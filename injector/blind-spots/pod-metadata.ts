/** Pods by their metadata alone, listed in pages and watched; of each, only what is needed is kept, on arrival. */
import { statusKey } from '../../contract/annotations.ts'
import { eventOf } from '../cluster/api.ts'
import type { ListWatchSource } from '../cluster/list-watch.ts'
import { eachPage } from '../cluster/pages.ts'
import { metadataOnly, type Rest } from '../cluster/rest.ts'
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

export function podMetadataSource(rest: Rest, scope: Scope): ListWatchSource<SeenPod> {
  const { path, labelSelector } = scope
  return {
    async list(signal) {
      const items: SeenPod[] = []
      const resourceVersion = await eachPage(rest, path, { labelSelector, metadata: true, signal }, (page) => {
        for (const object of page) {
          const pod = seenPodOf(object)
          if (pod.suspicious) items.push(pod)
        }
      })
      return { items, resourceVersion }
    },
    watch: (resourceVersion, onEvent, signal) =>
      rest.lines(
        path,
        (line) => {
          const { type, object } = JSON.parse(line) as { type: string; object: Json }
          onEvent(eventOf(type, object, seenPodOf))
        },
        {
          query: {
            watch: true,
            labelSelector,
            resourceVersion,
            allowWatchBookmarks: true,
            timeoutSeconds: watchSeconds,
          },
          accept: metadataOnly.object,
          timeoutMs: watchTimeoutMs,
          signal,
        },
      ),
  }
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
