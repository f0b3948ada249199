/** A list in pages, so that neither the API server nor we hold all of it at once. */
import { elementsAt, type Json, textAt } from '../json.ts'
import { type Asking, metadataOnly, type Rest } from './rest.ts'

/** Objects in one answer. Of whole ones, which may be many times the size of their metadata, fewer are held at once. */
const pageSize = { metadata: 500, whole: 100 } as const

export interface ListAsking extends Asking {
  readonly labelSelector?: string
  readonly metadata?: boolean
}

/** @returns the resourceVersion to watch from */
export async function eachPage(
  rest: Rest,
  path: string,
  asking: ListAsking,
  take: (items: readonly Json[]) => void,
): Promise<string> {
  const { labelSelector, metadata, query, ...others } = asking
  let next: string | undefined
  for (;;) {
    const page = await rest.get(path, {
      ...others,
      ...(metadata ? { accept: metadataOnly.list } : {}),
      query: { ...query, labelSelector, limit: metadata ? pageSize.metadata : pageSize.whole, continue: next },
    })
    take(elementsAt(page, 'items'))
    next = textAt(page, 'metadata', 'continue')
    if (!next) return textAt(page, 'metadata', 'resourceVersion') ?? ''
  }
}
