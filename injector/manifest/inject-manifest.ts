/**
 * The injection applied to manifests, offline: the webhook's own plan and patch on every pod template of a text. Text in,
 * text and findings out.
 */
import { isDeepStrictEqual } from 'node:util'
import { Document, parseAllDocuments, parseDocument } from 'yaml'
import { injectKey } from '../../contract/annotations.ts'
import { isObject, type Json, type JsonObject, member, objectAt, textAt } from '../json.ts'
import { type AddOperation, applyOperations, escapeToken, patchPod } from '../patch.ts'
import { type ClusterFacts, type Decision, type InjectionConfig, type NamespaceFacts, plan, skip } from '../plan.ts'
import { applyToDocument } from './apply.ts'
import { objectsIn, type PodPlace, podsIn } from './templates.ts'

/** What was decided about one pod template. */
export interface Finding {
  readonly source: string
  /** `Deployment/web` */
  readonly object: string
  readonly namespace: string
  readonly decision: Decision
  /** What a reader should know besides the decision. */
  readonly notes: readonly string[]
}

/** One YAML document, parsed, with the text that it came from. */
export interface Manifest {
  readonly source: string
  readonly text: string
  readonly document: Document
  readonly value: Json
}

export interface ManifestProblem {
  readonly source: string
  readonly line: number | undefined
  readonly problem: string
}

export type ParsedManifests =
  | { readonly ok: true; readonly manifests: readonly Manifest[] }
  | { readonly ok: false; readonly problem: ManifestProblem }

// kubectl's parser knows merge keys (`<<`), which YAML 1.2 dropped.
const yamlOptions = { merge: true } as const

/** @param source how errors name the text: a file name, or "standard input" */
export function parseManifests(source: string, text: string): ParsedManifests {
  const documents = [...parseAllDocuments(text, yamlOptions)]
  const manifests: Manifest[] = []
  let start = 0
  for (const [index, document] of documents.entries()) {
    const error = document.errors[0]
    if (error) return refuse(source, error.linePos?.[0].line, firstLine(error.message))
    const end = index === documents.length - 1 ? text.length : document.range[2]
    let value: Json
    try {
      value = document.toJS() as Json
    } catch (failure) {
      return refuse(source, lineAt(text, start), failure instanceof Error ? failure.message : String(failure))
    }
    if (value !== null && !isObject(value)) {
      return refuse(source, lineAt(text, document.contents?.range?.[0] ?? start), 'this is not a Kubernetes object')
    }
    manifests.push({ source, text: text.slice(start, end), document, value })
    start = end
  }
  return { ok: true, manifests }
}

/** What Namespace objects among the manifests say, for the pods that go into them. */
export function namespacesIn(manifests: readonly Manifest[]): ReadonlyMap<string, NamespaceFacts> {
  const found = new Map<string, NamespaceFacts>()
  for (const { object } of manifests.flatMap((manifest) => objectsIn(manifest.value))) {
    if (textAt(object, 'kind') !== 'Namespace') continue
    const name = textAt(object, 'metadata', 'name') ?? ''
    const labels = objectAt(object, 'metadata', 'labels')
    found.set(name, { name, labels, annotations: objectAt(object, 'metadata', 'annotations') })
  }
  return found
}

export interface OfflineContext {
  readonly config: InjectionConfig
  readonly cluster: ClusterFacts
  readonly namespaces: ReadonlyMap<string, NamespaceFacts>
  /** For objects that name none. */
  readonly defaultNamespace: string
}

export interface InjectedManifest {
  readonly text: string
  readonly value: Json
  readonly findings: readonly Finding[]
}

/** A document in which no pod was injected comes out byte for byte as it went in. */
export function injectManifest(manifest: Manifest, context: OfflineContext): InjectedManifest {
  const findings: Finding[] = []
  const changes: { place: PodPlace; operations: readonly AddOperation[] }[] = []
  for (const place of podsIn(manifest.value)) {
    const { decision, operations } = decide(place, context)
    const namespace = place.namespace ?? context.defaultNamespace
    findings.push({
      source: manifest.source,
      object: place.object,
      namespace,
      decision,
      notes: notesOn(place, decision),
    })
    if (operations.length > 0) changes.push({ place, operations })
  }
  if (changes.length === 0) return { text: manifest.text, value: manifest.value, findings }
  const value = changes.reduce<JsonObject>(
    (object, { place, operations }) => applyOperations(object, moved(operations, place)),
    manifest.value as JsonObject,
  )
  return { text: render(manifest, changes, value), value, findings }
}

function decide(place: PodPlace, context: OfflineContext): { decision: Decision; operations: readonly AddOperation[] } {
  const name = place.namespace ?? context.defaultNamespace
  const namespace = context.namespaces.get(name) ?? { name, labels: undefined, annotations: undefined }
  const decision = plan(place.pod, namespace, context.cluster, context.config)
  if (decision.outcome === 'skip') return { decision, operations: [] }
  const patch = patchPod(place.pod, decision.injection)
  return patch.ok
    ? { decision, operations: patch.operations }
    : { decision: skip('patch_failed', { cause: patch.cause }), operations: [] }
}

function notesOn(place: PodPlace, decision: Decision): string[] {
  const misplaced = place.path.length > 0 && member(objectAt(place.metadata, 'labels'), injectKey) !== undefined
  return decision.reason === 'not_opted_in' && misplaced
    ? [`the label ${injectKey} is on the object itself; it belongs in ${place.path.join('.')}.metadata.labels`]
    : []
}

const moved = (operations: readonly AddOperation[], place: PodPlace): AddOperation[] => {
  const prefix = place.path.map((step) => `/${escapeToken(String(step))}`).join('')
  return operations.map((operation) => ({ ...operation, path: prefix + operation.path }))
}

/**
 * Edits a second parse of the document, whose nodes nobody else holds. Anchors and merge keys can make an edit show in
 * places where it should not: then the document is written anew from its value, without its comments.
 */
function render(
  manifest: Manifest,
  changes: readonly { place: PodPlace; operations: readonly AddOperation[] }[],
  expected: JsonObject,
): string {
  if (isJson(manifest.text)) return `${JSON.stringify(expected, undefined, 2)}\n`
  const edited = parseDocument(manifest.text, yamlOptions)
  for (const { place, operations } of changes) applyToDocument(edited, place.path, operations)
  const faithful = isDeepStrictEqual(JSON.parse(JSON.stringify(edited.toJS())), JSON.parse(JSON.stringify(expected)))
  const document = faithful ? edited : new Document(expected)
  if (/^---/m.test(manifest.text) && !faithful) document.directives = edited.directives
  return document.toString(styleOf(manifest.text))
}

/** Who hands in JSON wants JSON back; YAML in flow style would be no JSON. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** As the text itself has it: kubectl and Helm write lists at their key's own indentation, many people do not. */
function styleOf(text: string) {
  const listsAtKey = /^( *)[^\s#-][^\n]*:[^\S\n]*(?:#[^\n]*)?\n(?:[^\S\n]*(?:#[^\n]*)?\n)*\1- /m.test(text)
  const tightBraces = /[{[][^\s}\]]/.test(text)
  return { lineWidth: 0, indentSeq: !listsAtKey, flowCollectionPadding: !tightBraces }
}

const refuse = (source: string, line: number | undefined, problem: string): ParsedManifests => ({
  ok: false,
  problem: { source, line, problem },
})

const firstLine = (message: string): string => message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, '')

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length
