/** What was counted around a load, made into a sample. Pure. */
import type { Arrived } from './counting-socket.ts'
import type { LoadResult } from './load.ts'
import type { Workload } from './matrix.ts'
import type { OwnCount, Sample } from './results.ts'

/** What is counted before a load, and again when all of it has arrived. */
export interface Reading {
  readonly arrived: Arrived
  /** Frames. */
  readonly crossed: number
  /** Seconds of CPU time. */
  readonly cpu: { readonly tap: number; readonly total: number }
  /** As Tap.counters. */
  readonly own: OwnCount | undefined
}

export interface Observation {
  readonly run: number
  readonly kind: Workload['kind']
  readonly result: LoadResult
  readonly before: Reading
  /** Frames that had arrived when the generator had ended. */
  readonly atEnd: number
  readonly after: Reading
  /** Megabytes. */
  readonly residentMb: number
  /** As Tap.ended. */
  readonly ended: string | undefined
}

function grown(before: OwnCount, after: OwnCount): OwnCount {
  return {
    captured: after.captured - before.captured,
    sent: after.sent - before.sent,
    dropped: after.dropped - before.dropped,
  }
}

export function sampleOf({ run, kind, result, before, atEnd, after, residentMb, ended }: Observation): Sample {
  const since = (of: (reading: Reading) => number): number => of(after) - of(before)
  const offered = since((at) => at.crossed)
  const mirrored = since((at) => at.arrived.frames)
  const wanted = kind === 'tcp' ? (result.bytes ?? 0) : offered
  const got = kind === 'tcp' ? since((at) => at.arrived.tcp) : mirrored
  const share = wanted === 0 ? 0 : Math.min(1, got / wanted)
  const good = since((at) => at.arrived.good)
  return {
    run,
    seconds: result.seconds,
    offered,
    mirrored,
    backlog: after.arrived.frames - atEnd,
    share,
    lost: Math.round(offered * (1 - share)),
    checked: good + since((at) => at.arrived.bad),
    good,
    tapCpuSeconds: since((at) => at.cpu.tap),
    totalCpuSeconds: since((at) => at.cpu.total),
    residentMb,
    rate: result.rate,
    ...(result.p99Ms === undefined ? {} : { p99Ms: result.p99Ms }),
    ...(before.own && after.own ? { own: grown(before.own, after.own) } : {}),
    ...(ended === undefined ? {} : { ended }),
  }
}
