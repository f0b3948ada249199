/**
 * AdmissionReview in and out, version admission.k8s.io/v1 only. What the rest of the request looks like is tolerated:
 * only without a uid is no answer possible that the API server would take.
 */

import { isObject, type Json, member, textAt } from './json.ts'
import type { AddOperation } from './patch.ts'

const apiVersion = 'admission.k8s.io/v1'

export interface AdmissionRequest {
  readonly uid: string
  /** Set even where the object's own namespace is not yet. */
  readonly namespace: string
  readonly operation: string
  /** Group, version and kind as one word: `v1/Pod`. */
  readonly kind: string
  readonly subResource: string
  readonly dryRun: boolean
  readonly object: Json | undefined
}

export type ParsedReview =
  | { readonly ok: true; readonly request: AdmissionRequest }
  | { readonly ok: false; readonly problem: string }

export interface AdmissionAnswer {
  readonly uid: string
  readonly operations: readonly AddOperation[]
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
}

export function parseReview(body: Json): ParsedReview {
  if (!isObject(body)) return refuse('the body is not a JSON object; an AdmissionReview is expected')
  if (textAt(body, 'kind') !== 'AdmissionReview') {
    return refuse(`the kind is ${shownText(member(body, 'kind'))}; AdmissionReview is expected`)
  }
  if (textAt(body, 'apiVersion') !== apiVersion) {
    return refuse(`the apiVersion is ${shownText(member(body, 'apiVersion'))}; ${apiVersion} is the only one answered`)
  }
  const request = member(body, 'request')
  if (!isObject(request)) return refuse('the AdmissionReview has no request object')
  const uid = textAt(request, 'uid')
  if (!uid || uid.length > 256) return refuse('request.uid is not a text of 1 to 256 characters')
  return {
    ok: true,
    request: {
      uid,
      namespace: textAt(request, 'namespace') ?? '',
      operation: textAt(request, 'operation') ?? '',
      kind: kindOf(member(request, 'kind')),
      subResource: textAt(request, 'subResource') ?? '',
      dryRun: member(request, 'dryRun') === true,
      object: member(request, 'object'),
    },
  }
}

/** Always allowed: the injector decides what is added to a pod, never whether it may run. */
export function encodeAnswer(answer: AdmissionAnswer): JsonAnswer {
  const patch =
    answer.operations.length === 0
      ? {}
      : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(answer.operations)).toString('base64') }
  const warnings = answer.warnings.length === 0 ? {} : { warnings: answer.warnings }
  return {
    apiVersion,
    kind: 'AdmissionReview',
    response: {
      uid: answer.uid,
      allowed: true,
      ...patch,
      ...warnings,
      auditAnnotations: answer.auditAnnotations,
    },
  }
}

export interface JsonAnswer {
  readonly apiVersion: string
  readonly kind: 'AdmissionReview'
  readonly response: {
    readonly uid: string
    readonly allowed: true
    readonly patchType?: string
    readonly patch?: string
    readonly warnings?: readonly string[]
    readonly auditAnnotations: Readonly<Record<string, string>>
  }
}

const refuse = (problem: string): ParsedReview => ({ ok: false, problem })

const kindOf = (kind: Json | undefined): string =>
  [textAt(kind, 'group') ?? '', textAt(kind, 'version') ?? '', textAt(kind, 'kind') ?? '']
    .filter((part) => part !== '')
    .join('/')

function shownText(value: Json | undefined): string {
  if (value === undefined) return 'missing'
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : 'not a text'
}
