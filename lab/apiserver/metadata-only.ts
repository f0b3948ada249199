/** Answers to clients that ask for metadata alone: meta.k8s.io/v1 PartialObjectMetadata, as kubectl and informers do. */
import type { Stored } from './objects.ts'

/** Whether the Accept header asks for it (k8s.io/apiserver pkg/endpoints/handlers/negotiation). */
export const wantsMetadata = (accept: string | undefined): boolean =>
  /;as=PartialObjectMetadata(List)?\b/.test(accept ?? '')

export const metadataOf = (object: { readonly metadata?: unknown }): Record<string, unknown> => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: object.metadata,
})

export function metadataListOf(list: Record<string, unknown>): Record<string, unknown> {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: list['metadata'],
    items: (list['items'] as Stored[]).map(metadataOf),
  }
}
