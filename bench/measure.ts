/** One cell: a load, a tap, and everything that is counted around them. */
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { run as execute } from '../lab/network/command.ts'
import type { Account } from './control-group.ts'
import { allowedCores, realCores } from './cores.ts'
import type { Arrived, CountingSocket } from './counting-socket.ts'
import { residentMb } from './kernel-counters.ts'
import { type Bounds, type LoadResult, load } from './load.ts'
import { type Placement, pinning, type Workload } from './matrix.ts'
import { type Reading, sampleOf } from './reading.ts'
import type { Sample } from './results.ts'
import type { Scene } from './scene.ts'
import type { Tap } from './tap.ts'

/** Undefined in a run that measures no CPU time, and needs no privileges then. */
export interface Accounts {
  readonly load: Account
  readonly tap: Account
  readonly sensor: Account
}

export interface Measurement {
  readonly scene: Scene
  readonly far: CountingSocket
  readonly tap: Tap
  readonly accounts: Accounts | undefined
  readonly workload: Workload
  readonly placement: Placement
  readonly bounds: Bounds
  readonly run: number
}

const allowed = allowedCores(readFileSync('/proc/self/status', 'utf8'))
const settleStepMs = 40
const settleSteps = 40
const loadTimeoutMs = 60_000

/** Preconditions: the tapped pod's interface has the workload's MTU. */
export async function measure(measurement: Measurement): Promise<Sample> {
  const { scene, far, tap, accounts, workload, placement, bounds, run } = measurement
  const places = pinning(workload.kind, placement)
  for (const pid of scene.app) await pin(pid, places.app)
  await pin(far.pid, places.tap)
  if (tap.pid !== undefined) await pin(tap.pid, places.tap)
  // Outside of what is counted and limited, since a scrape is work for the tap, and segments on the pod's loopback.
  const ownBefore = await tap.counters?.()
  accounts?.tap.limit(places.quota)
  try {
    const before: Reading = {
      arrived: await far.arrived(),
      crossed: await scene.crossed(workload.kind),
      cpu: cpu(accounts),
      own: ownBefore,
    }
    const result = await runLoad(measurement, places.client)
    const { frames: atEnd } = await far.arrived()
    const arrived = await settled(far)
    const after: Reading = {
      arrived,
      crossed: await scene.crossed(workload.kind),
      cpu: cpu(accounts),
      own: await tap.counters?.(),
    }
    return sampleOf({
      run,
      kind: workload.kind,
      result,
      before,
      atEnd,
      after,
      residentMb: tap.pid === undefined ? 0 : residentMb(tap.pid),
      ended: tap.ended?.(),
    })
  } catch (error) {
    const what = `${workload.name}/${placement}, ${bounds.seconds} s`
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    accounts?.tap.limit(undefined)
  }
}

async function runLoad(
  { scene, accounts, workload, bounds }: Measurement,
  cores: readonly number[],
): Promise<LoadResult> {
  const { argv, read } = load(workload, scene.web.address4, bounds)
  const child = scene.client.spawn(['taskset', '--cpu-list', realCores(cores, allowed), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: loadTimeoutMs,
  })
  if (child.pid !== undefined) accounts?.load.add(child.pid)
  let output = ''
  let said = ''
  child.stdout?.on('data', (text) => {
    output += text
  })
  child.stderr?.on('data', (text) => {
    said += text
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0 && output === '') throw new Error(`${argv[0]} ended with ${code}: ${said.trim()}`)
  return read(output)
}

/** All threads of a process, those to come included. */
async function pin(pid: number, cores: readonly number[]): Promise<void> {
  await execute(['taskset', '--all-tasks', '--cpu-list', '--pid', realCores(cores, allowed), String(pid)])
}

function cpu(accounts: Accounts | undefined): Reading['cpu'] {
  if (accounts === undefined) return { tap: 0, total: 0 }
  const tap = accounts.tap.usageSeconds()
  return { tap, total: tap + accounts.load.usageSeconds() + accounts.sensor.usageSeconds() }
}

/** What is in the tap's buffer still counts, when it is out within a second and a half; the sample says how much it was. */
async function settled(far: CountingSocket): Promise<Arrived> {
  let before = await far.arrived()
  let quiet = 0
  for (let step = 0; step < settleSteps && quiet < 3; step++) {
    await setTimeout(settleStepMs)
    const now = await far.arrived()
    quiet = now.frames === before.frames ? quiet + 1 : 0
    before = now
  }
  return before
}
