/**
 * One AdmissionReview, front to back: parse, decide, patch, answer. Synchronous: nothing on the request path waits for
 * anything. Whatever fails here leaves the pod as it is.
 */
import { type ReasonCode, reasonAnchor } from '../contract/injection-reasons.ts'
import { printable } from '../contract/setting.ts'
import { isObject, type Json, textAt } from './json.ts'
import { type Notice, noticeOf, ownerOf } from './notice.ts'
import { type AddOperation, patchPod } from './patch.ts'
import { type ClusterFacts, type Decision, type InjectionConfig, type NamespaceFacts, plan, skip } from './plan.ts'
import { type AdmissionRequest, encodeAnswer, type JsonAnswer, parseReview } from './review.ts'

/** What is known of the cluster, from memory. */
export interface ClusterView {
  namespace(name: string): NamespaceFacts
  facts(): ClusterFacts
}

/** What is written to the log about a decision; never the pod itself, whose environment may hold secrets. */
export interface DecisionRecord {
  readonly reason: ReasonCode
  readonly outcome: 'inject' | 'skip'
  readonly docs: string
  readonly namespace: string
  /** Its name, or its generateName with a star: a ReplicaSet's pod has no name yet. */
  readonly pod: string
  readonly owner: string
  readonly uid: string
  readonly dryRun: boolean
}

export type Handled =
  | {
      readonly status: 200
      readonly answer: JsonAnswer
      /** Why it was decided so, in a sentence. */
      readonly sentence: string
      readonly record: DecisionRecord
      readonly notice?: Notice
    }
  | { readonly status: 400; readonly problem: string }

export function handle(body: Json, cluster: ClusterView, config: InjectionConfig): Handled {
  const parsed = parseReview(body)
  if (!parsed.ok) return { status: 400, problem: parsed.problem }
  const { request } = parsed
  const { decision, operations } = decideSafely(request, cluster, config)
  const notice = noticeOf(request, decision)
  return {
    status: 200,
    answer: encodeAnswer({
      uid: request.uid,
      operations,
      warnings: decision.warnings.map((warning) => `vxtap: ${warning}`),
      auditAnnotations: { decision: decision.reason, explanation: decision.sentence },
    }),
    sentence: decision.sentence,
    record: recordOf(request, decision),
    ...(notice ? { notice } : {}),
  }
}

interface Decided {
  readonly decision: Decision
  readonly operations: readonly AddOperation[]
}

function decideSafely(request: AdmissionRequest, cluster: ClusterView, config: InjectionConfig): Decided {
  try {
    return decide(request, cluster, config)
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    return { decision: skip('internal_error', { cause }), operations: [] }
  }
}

function decide(request: AdmissionRequest, cluster: ClusterView, config: InjectionConfig): Decided {
  const refusal = notForUs(request)
  if (refusal) return { decision: refusal, operations: [] }
  const pod = request.object
  if (!isObject(pod)) {
    return { decision: skip('bad_request', { problem: 'request.object is not an object' }), operations: [] }
  }
  const decision = plan(pod, cluster.namespace(namespaceOf(request)), cluster.facts(), config)
  if (decision.outcome === 'skip') return { decision, operations: [] }
  const patch = patchPod(pod, decision.injection)
  return patch.ok
    ? { decision, operations: patch.operations }
    : { decision: skip('patch_failed', { cause: patch.cause }), operations: [] }
}

function notForUs(request: AdmissionRequest): Decision | undefined {
  if (request.kind !== 'v1/Pod') return skip('not_a_pod', { what: request.kind.slice(0, 100) || 'it has no kind' })
  if (request.subResource !== '') return skip('not_a_pod', { what: `pods/${request.subResource.slice(0, 100)}` })
  if (request.operation !== 'CREATE') {
    return skip('not_a_creation', { operation: request.operation.slice(0, 100) || 'missing' })
  }
  return undefined
}

// Admission comes before validation: names may still be anything. A valid one is a DNS subdomain (RFC 1123).
const longestName = 253

const namespaceOf = (request: AdmissionRequest): string =>
  request.namespace || (textAt(request.object, 'metadata', 'namespace') ?? '')

function recordOf(request: AdmissionRequest, decision: Decision): DecisionRecord {
  const owner = ownerOf(request.object)
  const name = textAt(request.object, 'metadata', 'name')
  const generateName = textAt(request.object, 'metadata', 'generateName')
  return {
    reason: decision.reason,
    outcome: decision.outcome,
    docs: reasonAnchor(decision.reason),
    namespace: printable(namespaceOf(request), longestName),
    pod: name ? printable(name, longestName) : generateName ? `${printable(generateName, longestName)}*` : '',
    owner: owner === undefined ? '' : printable(`${textAt(owner, 'kind')}/${textAt(owner, 'name')}`, longestName),
    uid: printable(request.uid, longestName),
    dryRun: request.dryRun,
  }
}
