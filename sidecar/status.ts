/** What the sidecar is doing, in words: for /healthz, the summary line and the log. Pure. */
import type { Counters } from './counters.ts'
import type { PathState } from './tunnel/transport.ts'

export interface Snapshot {
  readonly captured: number
  readonly sent: number
  readonly dropped: Readonly<Record<string, number>>
  readonly sendErrors: Readonly<Record<string, number>>
}

export function snapshot(counters: Counters): Snapshot {
  const nonZero = Object.entries(counters.dropped).filter(([, count]) => count > 0)
  return {
    captured: counters.capturedFrames,
    sent: counters.sentFrames,
    dropped: Object.fromEntries(nonZero),
    sendErrors: Object.fromEntries(counters.sendErrors),
  }
}

/** `captured 120 frames, sent 118, dropped 2 (no_sensor 2)`, with the errors of send calls where there were any. */
export function summary(now: Snapshot): string {
  const drops = Object.entries(now.dropped)
  const total = drops.reduce((sum, [, count]) => sum + count, 0)
  const reasons = drops.length === 0 ? '' : ` (${drops.map(([reason, count]) => `${reason} ${count}`).join(', ')})`
  const errors = Object.entries(now.sendErrors)
  const retried =
    errors.length === 0 ? '' : `; send errors ${errors.map(([name, count]) => `${name} ${count}`).join(', ')}`
  return `captured ${now.captured} frames, sent ${now.sent}, dropped ${total}${reasons}${retried}`
}

/** `, 2 by gso and 1 by mmsg`; nothing where there is no sensor. */
export function batches(paths: readonly PathState[]): string {
  const counts = new Map<string, number>()
  for (const { batch } of paths) counts.set(batch, (counts.get(batch) ?? 0) + 1)
  const parts = [...counts].map(([batch, count]) => `${count} by ${batch}`)
  return parts.length === 0 ? '' : `, ${parts.join(' and ')}`
}

export function changed(before: Snapshot, now: Snapshot): boolean {
  return JSON.stringify(before) !== JSON.stringify(now)
}
