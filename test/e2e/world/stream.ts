/** A stream of pods that are created and thrown away again (dry run), each judged by what came back. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from './api.ts'
import type { KubeObject } from './kubectl.ts'

export interface Creation {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly ms: number
  readonly outcome: 'tapped' | 'untapped' | 'refused'
  readonly detail: string
}

export interface Stream {
  readonly creations: readonly Creation[]
  /** Waits for those that are under way. */
  stop(): Promise<void>
}

/** A machine that is slower than the stream gets a slower stream, not an ever longer queue. */
const mostUnderWay = 25

/**
 * @param perSecond calls that are begun in a second, as long as no more than 25 wait for their answer
 * @param isTapped whether a pod that came back is what it shall be
 */
export function startStream(
  api: Api,
  pod: object,
  namespace: string,
  perSecond: number,
  isTapped: (pod: KubeObject) => boolean,
): Stream {
  const creations: Creation[] = []
  const underWay = new Set<Promise<void>>()
  let over = false
  const create = async (): Promise<void> => {
    const at = Date.now()
    const note = (outcome: Creation['outcome'], detail: string) =>
      creations.push({ at, ms: Date.now() - at, outcome, detail })
    try {
      const { status, text } = await api.call('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod)
      if (status !== 201) note('refused', `${status} ${text.slice(0, 300)}`)
      else note(isTapped(JSON.parse(text) as KubeObject) ? 'tapped' : 'untapped', '')
    } catch (error) {
      note('refused', String(error))
    }
  }
  const running = (async () => {
    const started = performance.now()
    for (let count = 0; !over; count++) {
      await sleep(Math.max(0, started + (count * 1000) / perSecond - performance.now()))
      if (underWay.size >= mostUnderWay) continue
      const creation = create().finally(() => underWay.delete(creation))
      underWay.add(creation)
    }
  })()
  return {
    creations,
    async stop() {
      over = true
      await running
      await Promise.all(underWay)
    },
  }
}
