/** Every time and size that discovery keeps to, and the clock that it keeps them by. */

export interface Timing {
  /** Back-off: the first is at most this, each next at most twice as much. */
  readonly backOffBaseMs: number
  readonly backOffCapMs: number
  /** What everybody does at one moment, each does at a random moment of so long: a new watch, or a list after 410. */
  readonly spreadMs: number
  /** For a list with its body, and for a watch until its first byte. */
  readonly requestTimeoutMs: number
  /** How long a watch is asked for, give or take a fifth. */
  readonly watchSeconds: number
  /** A watch that has not ended by itself this long after its time is cut. */
  readonly watchMarginMs: number
  /** A watch that ends sooner than this and brought nothing counts as failed. */
  readonly shortWatchMs: number
  /** How long a watch that brought an error may take to end by itself. */
  readonly lingerMs: number
  /** TCP keep-alive after this much silence; a dead peer is noticed about 10 s later (libuv probes each second, 10 times). */
  readonly keepAliveMs: number
  readonly resolveEveryMs: number
  /** While no target is known: how often the pods are looked through again, since our own addresses may come late. */
  readonly reconsiderMs: number
  readonly pageItems: number
  readonly maxPageBytes: number
  readonly maxLineBytes: number
}

export const defaultTiming: Timing = {
  backOffBaseMs: 100,
  backOffCapMs: 30_000,
  // 10,000 sidecars then make 10 connections in a millisecond, and a sensor that moves just then is missed for half a second.
  spreadMs: 1000,
  requestTimeoutMs: 15_000,
  watchSeconds: 300,
  watchMarginMs: 30_000,
  shortWatchMs: 1000,
  lingerMs: 1000,
  keepAliveMs: 15_000,
  resolveEveryMs: 30_000,
  reconsiderMs: 5000,
  pageItems: 100,
  // A pod is 10 kB in practice and 1.5 MiB at most, which is what etcd takes.
  maxPageBytes: 16 << 20,
  maxLineBytes: 4 << 20,
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** @returns cancels it */
  after(ms: number, action: () => void): () => void
}

export const systemClock: Clock = {
  now: Date.now,
  after: (ms, action) => {
    const timer = setTimeout(action, ms)
    return () => clearTimeout(timer)
  },
}

/**
 * Exponential back-off with full jitter: anything from 0 to the limit, so that thousands of sidecars that lost the API
 * server at the same moment do not come back at the same moment.
 * @param failures how many there were before this one
 * @param random 0 (inclusive) to 1 (exclusive)
 */
export function backOffMs(failures: number, timing: Timing, random: () => number): number {
  // 2^30 is far above every cap, and shifts do not reach further.
  return random() * Math.min(timing.backOffCapMs, timing.backOffBaseMs * 2 ** Math.min(failures, 30))
}
