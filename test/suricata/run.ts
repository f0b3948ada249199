/**
 * A real Suricata behind our sidecar and, for comparison, behind a tap that hands on what libpcap gives it; that tap
 * once more with offloading turned off in the pods, to show that it and the sensor do work and what blinds them. Our
 * sidecar once more with BATCH=gso, for a sensor that is prepared for it and for one that is not.
 *
 * Started by scripts/suricata.sh. Prints a table, writes result.json beside this file, and fails unless Suricata saw
 * every transfer whole through our sidecar, the other tap shows why repair is needed, and the unprepared sensor why
 * preparation is.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../lab/network/command.ts'
import { Lab } from '../../lab/network/lab.ts'
import type { Check } from '../support/suricata/verdict.ts'
import { checks } from './checks.ts'
import { type Outcome, runScenario, type Tap, transfers } from './scenario.ts'
import { suricataVersion } from './suricata.ts'
import { table } from './table.ts'

const checkout = join(import.meta.dirname, '../..')
const directory = '/run/vxtap-suricata'
const plainTapProgram = join(directory, 'plain-tap')
const vni = '42'

const sidecar: Tap = {
  name: 'vxtap sidecar',
  argv: () => [join(checkout, 'bin/vxtap'), 'sidecar'],
  environment: (sensor) => ({ SENSOR: sensor, VNI: vni, METRICS_ADDRESS: '' }),
  ready: /capturing eth0/,
  prepared: false,
  offloading: true,
}

const batching: Tap = {
  ...sidecar,
  name: 'vxtap sidecar, BATCH=gso',
  environment: (sensor) => ({ ...sidecar.environment(sensor), BATCH: 'gso' }),
}

const batchingForPrepared: Tap = { ...batching, name: `${batching.name}, sensor prepared`, prepared: true }

const plainTap: Tap = {
  name: 'plain libpcap tap',
  argv: (sensor) => [plainTapProgram, 'eth0', sensor, vni],
  environment: () => ({}),
  ready: /capturing eth0/,
  prepared: false,
  offloading: true,
}

/** The control: the same tap and sensor see everything as soon as no frame needs repair. */
const plainTapWithoutOffloading: Tap = { ...plainTap, name: 'plain libpcap tap, offloading off', offloading: false }

const say = (sentence: string) => process.stdout.write(`[suricata] ${sentence}\n`)

async function compilePlainTap(): Promise<void> {
  const source = join(import.meta.dirname, 'plain-tap.c')
  await run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-o', plainTapProgram, source, '-lpcap'], {
    timeoutMs: 60_000,
  })
}

function report(list: readonly Check[]): number {
  for (const { passed, sentence } of list) process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${sentence}\n`)
  const failed = list.filter(({ passed }) => !passed).length
  process.stdout.write(`${list.length - failed} passed, ${failed} failed\n`)
  return failed === 0 ? 0 : 1
}

const rootFileSystem = process.env['SURICATA_ROOT'] ?? ''
if (rootFileSystem === '') throw new Error('SURICATA_ROOT is not set: run this through scripts/suricata.sh')
await mkdir(directory)
await compilePlainTap()
const version = await suricataVersion(rootFileSystem)
say(`Suricata ${version}, AF_PACKET on eth0 of the same node, checksum validation on`)
const lab = await Lab.create()
const outcomes: Outcome[] = []
for (const tap of [plainTap, plainTapWithoutOffloading, sidecar, batching, batchingForPrepared]) {
  const outcome = await runScenario(tap, { lab, rootFileSystem, directory, say })
  say(`${tap.name} says: ${outcome.account}`)
  outcomes.push(outcome)
}
await lab.close()
const [plain, control, ours, unprepared, prepared] = outcomes as [Outcome, Outcome, Outcome, Outcome, Outcome]
const result = { suricata: version, transfers, outcomes }
await writeFile(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, undefined, 2)}\n`)
process.stdout.write(`\n${table(outcomes, transfers)}\n\n`)
process.exitCode = report(checks({ ours, plain, control, unprepared, prepared }, transfers))
