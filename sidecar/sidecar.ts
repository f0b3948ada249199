/** Puts engine, pipeline, transport, discovery and metrics together, and runs them until told to stop. */
import type { Server } from 'node:http'
import type { ListenAddress, SidecarSettings } from '../contract/sidecar-settings.ts'
import type { Counters } from './counters.ts'
import { createCapture } from './engine/create.ts'
import { Footprint, ownMemory } from './footprint.ts'
import type { Health, Observed } from './http.ts'
import type { Log } from './log.ts'
import { batches, changed, snapshot, summary } from './status.ts'
import { apiAccess, createDiscovery, DiscoveryCounters } from './target/discovery.ts'
import { familiesOf } from './target/families.ts'

const refreshMs = 1000
const summaryMs = 60_000

export interface SidecarOptions {
  readonly settings: SidecarSettings
  readonly log: Log
  readonly counters: Counters
  readonly version: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The pod's own addresses as they are now, loopback not counted. */
  readonly ownAddresses: () => readonly string[]
}

export interface Sidecar {
  /** Settles when everything captured is sent, after `stop`, or rejects when capturing is not possible. */
  readonly done: Promise<void>
  stop(): void
}

export type Started =
  | { readonly ok: true; readonly sidecar: Sidecar }
  | { readonly ok: false; readonly problem: string }

export function startSidecar(options: SidecarOptions): Started {
  const { settings, counters, log } = options
  const created = createCapture({ settings, counters, log, useMark: true })
  if (!created.ok) return created
  const { engine, outlets } = created.capture
  let found = 0
  const requests = new DiscoveryCounters()
  const discovery = createDiscovery({
    sensor: settings.sensor,
    namespace: settings.sensorNamespace,
    podNamespace: settings.podNamespace,
    place: {
      nodeName: settings.nodeName,
      zone: settings.zone,
      sharedKernel: settings.sharedKernel,
      elsewhere: settings.engine === 'kernel',
      get families() {
        return familiesOf(options.ownAddresses())
      },
      get ownAddresses() {
        return new Set(options.ownAddresses())
      },
    },
    onTargets: (targets) => {
      found = targets.length
      counters.targetChanges++
      outlets.setTargets(targets)
    },
    log,
    counters: requests,
    api: apiAccess(options.environment),
  })
  const health = (): Health => {
    // Not "a sensor is known": an application that waits for the tap (annotation hold) must not wait for a sensor that
    // may never come, but only until the first answer about one.
    const ready = engine.state.capturing && discovery.state.kind !== 'starting'
    return {
      healthy: engine.state.capturing,
      ready,
      released: ready,
      sentence: `${engine.state.sentence}; ${discovery.state.sentence}${unsendable()}${batches(outlets.paths())}; ${summary(snapshot(counters))}`,
    }
  }
  const unsendable = () => {
    const missing = outlets.unsendable
    return missing === 0 ? '' : `, but ${missing} of ${found} cannot be sent to (the log says why)`
  }
  const footprint = new Footprint(ownMemory)
  const refresh = setInterval(() => {
    engine.readKernelCounters()
    outlets.refresh()
    footprint.look()
  }, refreshMs)
  let lastSaid = snapshot(counters)
  const say = setInterval(() => {
    const now = snapshot(counters)
    if (changed(lastSaid, now)) log.info(summary(now))
    lastSaid = now
  }, summaryMs)
  const observed: Observed = {
    counters,
    version: options.version,
    engineName: () => engine.name,
    health,
    refusal: () => engine.state.refusal,
    targetCount: () => outlets.targets.length,
    paths: () => outlets.paths(),
    discoveryRequests: () => requests.entries(),
    refresh: () => engine.readKernelCounters(),
  }
  return { ok: true, sidecar: { done: run(), stop: () => engine.stop() } }

  async function run(): Promise<void> {
    discovery.start()
    const server = settings.metricsAddress === undefined ? undefined : listen(settings.metricsAddress, observed, log)
    try {
      await engine.run()
    } finally {
      clearInterval(refresh)
      clearInterval(say)
      discovery.stop()
      outlets.close()
      const listening = await server
      listening?.close()
      log.info(`stopped: ${summary(snapshot(counters))}`)
    }
  }
}

/** Metrics are no reason to stop mirroring: a port that is taken is said and lived with. */
async function listen(address: ListenAddress, observed: Observed, log: Log): Promise<Server | undefined> {
  const { serve } = await import('./http.ts')
  const result = await serve(address, observed)
  if (!(result instanceof Error)) return result
  log.warn(
    `no metrics: METRICS_ADDRESS port ${address.port} cannot be used (${result.message}); mirroring goes on. Set METRICS_ADDRESS to a free port, or to nothing`,
  )
  return undefined
}
