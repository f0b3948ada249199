/**
 * How long an injector that was told to end goes on answering. The API server uses open connections for as long as they
 * are there, and a request that meets one being closed is lost: HTTP has no way to take it back. So each answer asks for
 * its connection to be closed, and the end is when none has been open for a while.
 */
import type { Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Those who choose an address must have had time to see that this one is going. */
export const quietMs = 5000
const lookMs = 100

/** Returns after `longestMs`, or as soon as there was no connection for `enoughMs`. */
export async function drained(server: Server, longestMs: number, enoughMs = quietMs): Promise<void> {
  const started = performance.now()
  // From the first look that finds none: when before it the last one went is not known.
  let quietSince: number | undefined
  for (;;) {
    const connections = await connectionsOf(server)
    const now = performance.now()
    quietSince = connections > 0 ? undefined : (quietSince ?? now)
    if (now - started >= longestMs || (quietSince !== undefined && now - quietSince >= enoughMs)) return
    await sleep(Math.min(lookMs, longestMs))
  }
}

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)))
