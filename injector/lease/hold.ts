/** Holds a Lease, or waits for it, until told to stop. */
import { type LeaseRecord, mayWrite, type Observation, observe } from './decide.ts'

/** The API as this loop needs it. */
export interface LeaseApi {
  read(): Promise<LeaseRecord>
  /** Rejects where the lease is no longer what was read last. An empty holder gives it up. */
  write(holder: string, durationMs: number): Promise<void>
}

export interface LeaseOptions {
  readonly identity: string
  readonly durationMs: number
  readonly now: () => number
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Called with every change. */
  readonly changed: (leading: boolean) => void
  /** A read or a write that did not succeed; the loop goes on. */
  readonly failed: (error: unknown) => void
}

export interface HeldLease {
  /** False as soon as somebody else may lead, however long a write takes. */
  leading(): boolean
  /** Gives it up, so that nobody has to wait for its end. */
  resign(): Promise<void>
}

/** Looks at the lease three times in its duration. */
export function holdLease(api: LeaseApi, options: LeaseOptions): HeldLease {
  const { identity, durationMs, now, pause, changed, failed } = options
  const stop = new AbortController()
  let seen: Observation | undefined
  let heldUntil = Number.NEGATIVE_INFINITY
  let told = false
  const leading = (): boolean => now() < heldUntil
  const tell = (): void => {
    if (leading() === told) return
    told = leading()
    changed(told)
  }
  const look = async (): Promise<void> => {
    const asked = now()
    seen = observe(now(), seen, await api.read())
    if (!mayWrite(now(), identity, seen)) {
      heldUntil = Number.NEGATIVE_INFINITY
      return
    }
    await api.write(identity, durationMs)
    heldUntil = asked + durationMs
  }
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await look()
      } catch (error) {
        failed(error)
      }
      tell()
      await pause(durationMs / 3, stop.signal)
      tell()
    }
  }
  const running = loop()
  return {
    leading,
    async resign() {
      stop.abort()
      await running
      if (!leading()) return
      heldUntil = Number.NEGATIVE_INFINITY
      tell()
      try {
        const { holder } = await api.read()
        if (holder === identity) await api.write('', durationMs)
      } catch (error) {
        failed(error)
      }
    },
  }
}
