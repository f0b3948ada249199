/** From the start of the capture outside of the pod to the closing table. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Capture } from '../lab/network/capture.ts'
import { type Frame, keyOf } from './compare/compare.ts'
import { tunnelOf } from './compare/tunnel.ts'
import { grouped } from './display.ts'
import { type Counters, compareByKind, readCounters, readFrames } from './evidence.ts'
import { deletePod, type Stage } from './stage.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** What is under way reaches the sensor within this, milliseconds. */
const settleMs = 200

const legend = [
  "Wire: captured by dumpcap at the far end of the pod's veth pair. Sensor: what vxtap receive wrote. Both are matched",
  'byte for byte, with segments and checksums worked out anew; a super-frame counts as the segments it stands for.',
]

export interface Truth {
  readonly capture: Capture
  readonly before: Counters
  /** Milliseconds since the epoch: what reaches the sensor from here on was captured outside of the pod before. */
  readonly from: number
}

export interface TruthOptions {
  /** Bytes, of the tapped interface. */
  readonly mtu: number
  /** When the sensor was deleted, and the file of its successor. */
  readonly gap: { readonly from: number; readonly sensor: string } | undefined
  /** Frames that were sent on purpose, and must arrive exactly as they are. */
  readonly replayed: readonly Frame[]
}

/** `problems` and `notes` are sentences; without a problem all is well. */
export interface Outcome {
  readonly problems: readonly string[]
  readonly notes: readonly string[]
  /** Whether every flow arrived in its order. */
  readonly inOrder: boolean
  /** The captures; they go with `close`. */
  readonly files: readonly string[]
  /** Ends every pod and removes what the demonstration made. */
  close(): Promise<void>
}

/** Captures at the node's end of the tapped pod's veth pair, where the tap cannot reach. */
export async function beginTruth({ web }: Stage, file: string): Promise<Truth> {
  const capture = await web.network!.capture(file)
  const before = await readCounters(web)
  await sleep(settleMs)
  return { capture, before, from: Date.now() }
}

/** Ends sensors and capture, compares, prints the table. */
export async function endTruth(stage: Stage, truth: Truth, options: TruthOptions): Promise<Outcome> {
  const { display, sensors, web } = stage
  let verdict: Verdict | undefined
  await display.step('comparison', 'comparing every frame', async () => {
    await sleep(settleMs)
    const to = Date.now()
    const { dropped: lostByCapture } = await truth.capture.stop()
    const after = await readCounters(web)
    await Promise.all(sensors.map(({ worker }) => (worker.stopping ? undefined : deletePod(stage.cluster, worker))))
    const exitCodes = await Promise.all(sensors.map(({ worker }) => worker.containers[0]?.exited ?? 0))

    const wire = await readFrames(truth.capture.file)
    const perSensor = await Promise.all(sensors.map(({ file }) => readFrames(file)))
    const addresses = sensors.flatMap(({ worker }) => worker.network?.addresses ?? [])
    const comparisons = compareByKind(wire, perSensor.flat(), {
      mtu: options.mtu,
      isTunnel: tunnelOf(web.network?.addresses ?? [], addresses),
      from: truth.from,
      to,
      verbatim: new Set(options.replayed.map(({ bytes }) => keyOf(bytes))),
    })
    const successor = sensors.findIndex(({ file }) => file === options.gap?.sensor)
    verdict = verdictOf({
      comparisons,
      gap: options.gap && { from: options.gap.from, to: firstTime(perSensor[successor] ?? []) },
      lostByCapture,
      dropped: difference(truth.before.dropped, after.dropped),
      unaccounted: after.captured - after.sent - Object.values(after.dropped).reduce((sum, count) => sum + count, 0),
      unsent: withoutEqual(options.replayed, wire),
      refusedBySensors: options.replayed.length > 0 ? undefined : exitCodes.reduce((sum, code) => sum + code, 0),
    })
    const all = [...comparisons.values()]
    const total = (of: (found: (typeof all)[number]) => number) =>
      grouped(all.reduce((sum, found) => sum + of(found), 0))
    const largest = grouped(Math.max(...all.map((found) => found.largest)))
    return `${total((found) => found.frames)} frames captured outside of the pod; ${total((found) => found.superFrames)} are super-frames, the largest of ${largest} bytes`
  })
  display.line()
  for (const line of verdict!.table) display.line(`  ${line}`)
  for (const line of legend) display.line(`  ${display.style('dim', line)}`)
  display.line()
  if (verdict!.replacement !== undefined) display.item('gap', verdict!.replacement)
  const { problems, reordered } = verdict!
  const files = [truth.capture.file, ...sensors.map(({ file }) => file)]
  const notes =
    reordered === 0
      ? []
      : [`frames that overtook others of their flow on their way to the sensor: ${grouped(reordered)}`]
  return { problems, notes, inOrder: reordered === 0, files, close: () => stage.cluster.close() }
}

/** How many frames have no equal of their own among the others. */
function withoutEqual(frames: readonly Frame[], others: readonly Frame[]): number {
  const left = new Map<string, number>()
  for (const { bytes } of others) left.set(keyOf(bytes), (left.get(keyOf(bytes)) ?? 0) + 1)
  let alone = 0
  for (const { bytes } of frames) {
    const count = left.get(keyOf(bytes)) ?? 0
    if (count === 0) alone++
    else left.set(keyOf(bytes), count - 1)
  }
  return alone
}

const firstTime = (frames: readonly Frame[]) => frames[0]?.timeMs ?? Number.POSITIVE_INFINITY

function difference(before: Counters['dropped'], after: Counters['dropped']): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([reason, count]) => [reason, count - (before[reason] ?? 0)]))
}
