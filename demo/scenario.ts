/** The demonstration proper: traffic of every kind through a tapped pod, and the sensor replaced under it. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Display } from './display.ts'
import { clientPod } from './manifests.ts'
import { addSensor, deletePod, setStage, showDecision } from './stage.ts'
import { showTraffic, startSteadyTraffic } from './traffic.ts'
import { beginTruth, endTruth, type Outcome } from './truth.ts'

const mtu = 1500
const beforeReplacementMs = 300
const afterReplacementMs = 500

export async function runScenario(display: Display): Promise<Outcome> {
  const stage = await setStage(display, mtu)
  const { cluster, web } = stage
  const client = await cluster.run(clientPod())
  showDecision(stage, 'client')
  const truth = await beginTruth(stage, join(cluster.directory, 'wire.pcapng'))

  display.line()
  await showTraffic(display, client, web)
  let gap: { from: number; sensor: string } | undefined
  await display.step('replacement', 'deleting the sensor under traffic', async () => {
    const traffic = startSteadyTraffic(client, web)
    await sleep(beforeReplacementMs)
    const [old] = stage.sensors
    const from = Date.now()
    const leaving = deletePod(cluster, old!.worker)
    // As a Deployment does it: the successor is made as soon as the old pod is going.
    const next = await addSensor(stage, 'sensor-2')
    gap = { from, sensor: next.file }
    await Promise.all([leaving, sleep(afterReplacementMs)])
    const { queries, requests } = await traffic.stop()
    const { address4 } = next.worker.network!
    return `sensor-1 deleted, sensor-2 (${address4}) in its place, under ${queries} DNS queries and ${requests} HTTP requests`
  })

  display.line()
  return endTruth(stage, truth, { mtu, gap, replayed: [] })
}
