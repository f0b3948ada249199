/** All contestants under all chosen workloads, in turns: each run begins with another contestant's neighbour. */
import type { Contestant } from './contestants.ts'
import type { Bounds } from './load.ts'
import { type CellName, cellKey, type Placement, room, type Workload } from './matrix.ts'
import { type Accounts, measure } from './measure.ts'
import { type Cell, failurePrefix, type Sample } from './results.ts'
import type { Scene } from './scene.ts'
import type { Tap } from './tap.ts'

export interface Comparison {
  readonly scene: Scene
  readonly accounts: Accounts | undefined
  readonly contestants: readonly Contestant[]
  /** Under which workloads, where. */
  readonly cellsOf: (contestant: Contestant) => readonly CellName[]
  readonly runs: number
  readonly bounds: (workload: Workload, placement: Placement) => Bounds
  /** Not counted: before V8 has compiled what is hot, a tap in JavaScript costs what it costs only once. */
  readonly warmUps: readonly { readonly workload: Workload; readonly bounds: Bounds }[]
  /** Milliseconds of performance.now(): after the first run, none is begun that would not end by then. */
  readonly deadline: number
  readonly progress: (text: string) => void
  /** A contestant or cell that could not be measured, which ends nothing else. */
  readonly failed: (sentence: string) => void
}

export async function compare(comparison: Comparison): Promise<Cell[]> {
  const { cellsOf, contestants, runs, deadline, progress } = comparison
  const samples = new Map<string, Sample[]>()
  let longest = 0
  for (let run = 1; run <= runs; run++) {
    const begun = performance.now()
    if (run > 1 && begun + longest > deadline) break
    // There and back again, so that a machine that gets slower or faster favours nobody.
    const order = run % 2 === 1 ? contestants : contestants.toReversed()
    for (const contestant of order) {
      progress(`run ${run} of ${runs}: ${contestant.title}`)
      for (const [key, sample] of await measureAll(comparison, contestant, run)) {
        const name = `${contestant.name} ${key}`
        samples.set(name, [...(samples.get(name) ?? []), sample])
      }
    }
    longest = Math.max(longest, performance.now() - begun)
  }
  return contestants.flatMap((contestant) =>
    cellsOf(contestant).flatMap(({ workload, placement }) => {
      const measured = samples.get(`${contestant.name} ${cellKey(workload.name, placement)}`)
      return measured ? [{ contestant: contestant.name, workload: workload.name, placement, samples: measured }] : []
    }),
  )
}

async function measureAll(
  comparison: Comparison,
  contestant: Contestant,
  run: number,
): Promise<(readonly [key: string, sample: Sample])[]> {
  const { scene, accounts, warmUps, failed } = comparison
  const measured: (readonly [string, Sample])[] = []
  let tap: Tap | undefined
  const running = async (): Promise<Tap> => {
    if (tap !== undefined && tap.ended?.() === undefined) return tap
    await tap?.stop()
    tap = await contestant.start(scene)
    if (tap.pid !== undefined) accounts?.tap.add(tap.pid)
    return tap
  }
  const once = async (workload: Workload, placement: Placement, bounds: Bounds): Promise<Sample> => {
    // A tap may look at the MTU when it starts.
    await scene.setMtu(workload.mtu)
    const far = await scene.far(contestant.cut === true)
    accounts?.sensor.add(far.pid)
    return measure({ scene, far, tap: await running(), accounts, run, workload, placement, bounds })
  }
  try {
    for (const { workload, bounds } of contestant.warmsUp ? warmUps : []) {
      // What goes wrong here goes wrong again where it is told.
      if (meets(contestant, workload)) await once(workload, 'spare', bounds).catch(() => {})
    }
    for (const { workload, placement } of comparison.cellsOf(contestant)) {
      if (!meets(contestant, workload)) continue
      const key = cellKey(workload.name, placement)
      const sample = await attempt(
        () => once(workload, placement, comparison.bounds(workload, placement)),
        (why) => failed(`${failurePrefix(contestant.name, key)}${run}: ${why}`),
      )
      if (sample) measured.push([key, sample])
    }
  } finally {
    await tap?.stop().catch((error) => failed(`${contestant.name} did not end well: ${error.message}`))
  }
  return measured
}

const meets = ({ kinds, needsRoom }: Contestant, { kind, mtu }: Workload): boolean =>
  (kinds === undefined || kinds.includes(kind)) && (needsRoom !== true || mtu >= room)

/** Twice, since a generator may meet a port that is still taken, or a machine that is busy with something else. */
async function attempt<T>(work: () => Promise<T>, failed: (why: string) => void): Promise<T | undefined> {
  for (const last of [false, true]) {
    try {
      return await work()
    } catch (error) {
      if (last) failed(error instanceof Error ? error.message : String(error))
    }
  }
  return undefined
}
