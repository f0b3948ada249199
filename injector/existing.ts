/** Whether the sidecar is in a pod already: recognised by name and by what it runs, not by an annotation anyone can set. */
import { containerName } from './container.ts'
import { elementsAt, type Json, type JsonObject, textAt } from './json.ts'
import { tokenVolumeName } from './token.ts'

export type Existing =
  | { readonly kind: 'none' }
  | { readonly kind: 'present' }
  /** An init container without its restartPolicy: the pod would wait for it to end, for ever. */
  | { readonly kind: 'stripped'; readonly index: number }
  | { readonly kind: 'name-taken'; readonly name: string }

export function existingSidecar(pod: JsonObject): Existing {
  const initContainers = elementsAt(pod, 'spec', 'initContainers')
  const index = initContainers.findIndex(hasOurName)
  const found = initContainers[index] ?? elementsAt(pod, 'spec', 'containers').find(hasOurName)
  if (found !== undefined) {
    if (!isOurs(found)) return { kind: 'name-taken', name: containerName }
    const stripped = index >= 0 && textAt(found, 'restartPolicy') === undefined
    return stripped ? { kind: 'stripped', index } : { kind: 'present' }
  }
  const volumeTaken = elementsAt(pod, 'spec', 'volumes').some((volume) => textAt(volume, 'name') === tokenVolumeName)
  return volumeTaken ? { kind: 'name-taken', name: tokenVolumeName } : { kind: 'none' }
}

const hasOurName = (container: Json): boolean => textAt(container, 'name') === containerName

/** Webhooks that bring secrets wrap commands: our argument may then stand anywhere. */
const isOurs = (container: Json): boolean =>
  ['args', 'command'].some((list) => elementsAt(container, list).includes('sidecar'))
