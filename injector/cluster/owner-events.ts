/** Notices as events of the API server. */
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Json } from '../json.ts'
import { createTeller, type Notice, type Owner } from '../notice.ts'
import { ApiError, type Rest } from './rest.ts'

const component = 'vxtap-injector'

/** What an event says, to whom. */
export interface EventNotice {
  readonly namespace: string
  readonly owner: Owner
  readonly reason: string
  readonly message: string
  /** Whether the owner is told the reason once, whatever the words: they may name another of its pods each time. */
  readonly once?: true
}

export type PostEvent = (notice: EventNotice) => Promise<void>

/**
 * The name follows from what the event says: replicas that say the same at the same time make one event, and so does an
 * injector that starts anew. The API server forgets it after an hour (--event-ttl), then it can be said again.
 */
export function createEventPost(rest: Rest, now: () => Date = () => new Date()): PostEvent {
  return async (notice) => {
    const { namespace, owner, reason, message } = notice
    const time = `${now().toISOString().slice(0, 19)}Z`
    const body: Json = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName(notice), namespace },
      involvedObject: { ...owner, namespace },
      type: 'Warning',
      reason: camelCase(reason),
      message: `vxtap: ${message}`,
      source: { component },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    }
    try {
      await rest.post(`/api/v1/namespaces/${namespace}/events`, body)
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) throw error
    }
  }
}

export function createOwnerEvents(post: PostEvent, log: Logger): (notice: Notice) => void {
  return createTeller(post, ({ namespace, owner }, error) => {
    log.warn(
      { namespace, owner: `${owner.kind}/${owner.name}`, cause: error.message.split('\n', 1)[0] },
      'cannot tell the owner of a pod what was decided about it; needs: create events',
    )
  })
}

function eventName({ owner, reason, message, once }: EventNotice): string {
  const digest = createHash('sha256')
    .update(`${owner.uid}\n${reason}\n${once ? '' : message}`)
    .digest('hex')
  return `vxtap-${digest.slice(0, 24)}`
}

/** Reasons of events are written like HostNetwork. */
const camelCase = (code: string): string => code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
