/** Where the pods are in a Kubernetes object: pods themselves, and the pod templates of workloads. Pure. */
import { elementsAt, isObject, type Json, type JsonObject, textAt } from '../json.ts'

export type Path = readonly (string | number)[]

export interface PodPlace {
  /** From the document's root to the object that has the pod's metadata and spec. */
  readonly path: Path
  readonly pod: JsonObject
  /** `Deployment/web` */
  readonly object: string
  /** Undefined where the manifest leaves it to the one who applies it. */
  readonly namespace: string | undefined
  /** What the object says of itself, apart from its template. */
  readonly metadata: Json | undefined
}

const templatePaths: Readonly<Record<string, Path>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  PodTemplate: ['template'],
}

export const kindsWithPods: readonly string[] = Object.keys(templatePaths)

/** Every object of a document: itself, or the items of a list, and of lists in it. */
export function objectsIn(document: Json, path: Path = []): { readonly path: Path; readonly object: JsonObject }[] {
  if (!isObject(document)) return []
  const items = document['items']
  if (textAt(document, 'kind')?.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item: Json, index) => objectsIn(item, [...path, 'items', index]))
  }
  return [{ path, object: document }]
}

export function podsIn(document: Json): PodPlace[] {
  return objectsIn(document).flatMap(({ path, object }) => {
    const kind = textAt(object, 'kind') ?? ''
    const template = Object.hasOwn(templatePaths, kind) ? templatePaths[kind] : undefined
    const pod = template && walk(object, template)
    if (!template || !isObject(pod)) return []
    const name = textAt(object, 'metadata', 'name') ?? `${textAt(object, 'metadata', 'generateName') ?? ''}*`
    return [
      {
        path: [...path, ...template],
        pod,
        object: `${kind}/${name}`,
        namespace: textAt(object, 'metadata', 'namespace'),
        metadata: object['metadata'],
      },
    ]
  })
}

function walk(value: Json, path: Path): Json | undefined {
  let found: Json | undefined = value
  for (const step of path) {
    found =
      typeof step === 'number'
        ? elementsAt({ list: found ?? null }, 'list')[step]
        : isObject(found)
          ? found[step]
          : undefined
  }
  return found
}
