/** All contestants under all chosen workloads, in turns: each run begins with another contestant's neighbour. */
import type { Contestant } from './contestants.ts'
import type { Bounds } from './load.ts'
import { type CellName, cellKey, type Workload } from './matrix.ts'
import { type Accounts, measure } from './measure.ts'
import type { Cell, Sample } from './results.ts'
import type { Scene } from './scene.ts'
import type { Tap } from './tap.ts'

export interface Comparison {
  readonly scene: Scene
  readonly accounts: Accounts | undefined
  readonly contestants: readonly Contestant[]
  readonly cells: readonly CellName[]
  readonly runs: number
  readonly bounds: (workload: Workload) => Bounds
  /** Before V8 has compiled what is hot, a tap in JavaScript costs what it costs only once. */
  readonly warmUp: Workload | undefined
  /** Milliseconds of performance.now(): after the first run, none is begun that would not end by then. */
  readonly deadline: number
  readonly progress: (text: string) => void
}

export async function compare(comparison: Comparison): Promise<Cell[]> {
  const { cells, contestants, runs, deadline, progress } = comparison
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
  return contestants.flatMap(({ name }) =>
    cells.flatMap(({ workload, placement }) => {
      const measured = samples.get(`${name} ${cellKey(workload.name, placement)}`)
      return measured ? [{ contestant: name, workload: workload.name, placement, samples: measured }] : []
    }),
  )
}

async function measureAll(
  comparison: Comparison,
  contestant: Contestant,
  run: number,
): Promise<(readonly [key: string, sample: Sample])[]> {
  const { scene, accounts, bounds, warmUp } = comparison
  const far = await scene.far(contestant.cut === true)
  accounts?.sensor.add(far.pid)
  const start = async (): Promise<Tap> => {
    const started = await contestant.start(scene)
    if (started.pid !== undefined) accounts?.tap.add(started.pid)
    return started
  }
  let tap = await start()
  try {
    const common = { scene, far, accounts, run }
    if (warmUp && tap.pid !== undefined)
      await measure({ ...common, tap, workload: warmUp, placement: 'spare', bounds: bounds(warmUp) })
    const measured: (readonly [string, Sample])[] = []
    for (const { workload, placement } of comparison.cells) {
      if (contestant.kinds?.includes(workload.kind) === false) continue
      if (tap.ended?.() !== undefined) {
        await tap.stop()
        tap = await start()
      }
      const sample = await measure({ ...common, tap, workload, placement, bounds: bounds(workload) })
      measured.push([cellKey(workload.name, placement), sample])
    }
    return measured
  } catch (error) {
    throw new Error(`${contestant.name}: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await tap.stop()
  }
}
