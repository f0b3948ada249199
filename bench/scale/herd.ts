/**
 * What an API server sees of sidecars that all lose their watch at one moment: their own patience (sidecar/target), on a
 * clock of numbers. Pure.
 */
import { ApiError } from '../../sidecar/target/api-client.ts'
import { Patience } from '../../sidecar/target/patience.ts'
import { defaultTiming, type Timing } from '../../sidecar/target/timing.ts'

export interface Outage {
  readonly sidecars: number
  /** 0: another API server takes over at once. */
  readonly downMs: number
  /** 'in order' as by an API server that shuts down, 'cut' as by one that dies. */
  readonly ended: 'in order' | 'cut'
}

export interface Herd {
  /** Connections that were refused while nobody answered. */
  readonly refused: number
  /** Most connections that were accepted within any 100 ms of a fixed grid. */
  readonly peakPer100Ms: number
  readonly peakPerSecond: number
  /** From when it answered again until half, and until all, were back, in milliseconds. */
  readonly halfBackMs: number
  readonly allBackMs: number
}

/** @param random 0 (inclusive) to 1 (exclusive) */
export function herd(outage: Outage, random: () => number, timing: Timing = defaultTiming): Herd {
  const { sidecars, downMs, ended } = outage
  const unreachable = new ApiError('unreachable', 'ECONNREFUSED')
  const back: number[] = []
  let refused = 0
  for (let sidecar = 0; sidecar < sidecars; sidecar++) {
    const patience = new Patience(timing, random)
    const askedMs = timing.watchSeconds * 1000
    const error = ended === 'cut' ? unreachable : undefined
    let at = patience.afterWatch({ lastedMs: askedMs / 2, askedMs, items: 1, error })
    while (at < downMs) {
      refused += 1
      at += patience.afterRefusal(unreachable)
    }
    back.push(at - downMs)
  }
  back.sort((a, b) => a - b)
  return {
    refused,
    peakPer100Ms: fullest(back, 100),
    peakPerSecond: fullest(back, 1000),
    halfBackMs: back[Math.floor(back.length / 2)] ?? 0,
    allBackMs: back.at(-1) ?? 0,
  }
}

/** The most that fall into one cell of a grid. */
function fullest(moments: readonly number[], cellMs: number): number {
  const cells = new Map<number, number>()
  for (const moment of moments) {
    const cell = Math.floor(moment / cellMs)
    cells.set(cell, (cells.get(cell) ?? 0) + 1)
  }
  return Math.max(0, ...cells.values())
}
