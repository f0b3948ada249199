/**
 * The sidecar as on a kernel that does not let it mark its packets (before Linux 5.17): started as a program in a pod,
 * it knows its own tunnel by addresses and ports. The sensor is always an address.
 */
import { isIPv6 } from 'node:net'
import { readSidecarSettings } from '../../contract/sidecar-settings.ts'
import { Counters } from '../../sidecar/counters.ts'
import { createCapture } from '../../sidecar/engine/create.ts'
import { serve } from '../../sidecar/http.ts'
import { snapshot, summary } from '../../sidecar/status.ts'

const read = readSidecarSettings(process.env)
if (!read.ok) throw new Error(read.problems.join('\n'))
const { settings } = read
if (settings.sensor.kind !== 'address' || settings.metricsAddress === undefined) throw new Error('an address is needed')
const counters = new Counters()
const say = (text: unknown) => process.stdout.write(`${String(text)}\n`)
const log = { debug: say, info: say, warn: say, error: say }
const created = createCapture({ settings, counters, log, useMark: false })
if (!created.ok) throw new Error(created.problem)
const { engine, outlets: transport } = created.capture
const { address } = settings.sensor
transport.setTargets([
  { key: address, address, family: isIPv6(address) ? 6 : 4, name: address, sameNode: false, cut: 'unknown', seed: 1 },
])
const refresh = setInterval(() => transport.refresh(), 1000)
const server = await serve(settings.metricsAddress, {
  counters,
  version: 'test',
  engineName: () => engine.name,
  health: () => ({
    healthy: engine.state.capturing,
    ready: engine.state.capturing,
    released: engine.state.capturing,
    sentence: engine.state.sentence,
  }),
  refusal: () => undefined,
  targetCount: () => 1,
  paths: () => transport.paths(),
  discoveryRequests: () => [],
  refresh: () => engine.readKernelCounters(),
})
if (server instanceof Error) throw server
process.once('SIGTERM', () => engine.stop())
await engine.run()
clearInterval(refresh)
transport.close()
server.close()
say(`stopped: ${summary(snapshot(counters))}`)
process.exit(0)
