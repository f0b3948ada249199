/** A sidecar's discovery before an embedded API server: what it found, what state it was in, what it said. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../../../lab/apiserver/server.ts'
import {
  createDiscovery,
  type Discovery,
  DiscoveryCounters,
  type DiscoveryOptions,
} from '../../../../sidecar/target/discovery.ts'
import type { Target } from '../../../../sidecar/target/target.ts'
import { type SensorPod, sensorPod } from './pods.ts'

export interface Scene {
  readonly api: ApiServer
  readonly discovery: Discovery
  readonly counters: DiscoveryCounters
  /** Every list that was handed over, as addresses. */
  readonly handed: string[][]
  readonly targets: () => readonly Target[]
  readonly said: string[]
  readonly directory: string
  sensor(pod: SensorPod): Promise<void>
  /** Writes what the API server issues anew into the token file. */
  renewToken(): Promise<void>
  withdrawPermission(): void
  grantPermission(namespace?: string): void
  close(): Promise<void>
}

export interface SceneOptions {
  readonly server?: ApiServerOptions
  readonly discovery?: Partial<DiscoveryOptions>
  readonly permitted?: boolean
  readonly before?: (api: ApiServer) => Promise<void>
}

/** Times a hundredth of the real ones, so that what takes a minute in a cluster is over in a second. */
export const fast = {
  backOffBaseMs: 5,
  backOffCapMs: 300,
  spreadMs: 10,
  requestTimeoutMs: 3000,
  watchSeconds: 60,
  watchMarginMs: 3000,
  shortWatchMs: 50,
  lingerMs: 50,
  reconsiderMs: 20,
  resolveEveryMs: 30,
}

export async function startScene(options: SceneOptions = {}): Promise<Scene> {
  const api = await startApiServer({ namespaces: ['shop', 'sensors', 'elsewhere'], ...options.server })
  const directory = await mkdtemp(join(tmpdir(), 'vxtap-account-'))
  const renewToken = (): Promise<void> => writeFile(join(directory, 'token'), `${api.rotateToken('shop/default')}\n`)
  await Promise.all([
    renewToken(),
    writeFile(join(directory, 'ca.crt'), api.ca),
    writeFile(join(directory, 'namespace'), 'shop'),
  ])
  let withdraw = (): void => undefined
  const grantPermission = (namespace = 'sensors'): void => {
    withdraw = api.grant({ serviceAccount: 'shop/*', namespace, verbs: ['get', 'list', 'watch'], resource: 'pods' })
  }
  if (options.permitted !== false) grantPermission()
  await options.before?.(api)
  const handed: string[][] = []
  let targets: readonly Target[] = []
  const said: string[] = []
  const counters = new DiscoveryCounters()
  const say = (level: string) => (message: string) => void said.push(`${level} ${message}`)
  const discovery = createDiscovery({
    sensor: { kind: 'label', name: 'zeek' },
    namespace: 'sensors',
    podNamespace: 'shop',
    place: { nodeName: 'node-1', zone: '', families: new Set([4]) },
    onTargets: (found) => {
      targets = found
      handed.push(found.map((target) => target.address))
    },
    log: { debug: () => undefined, info: say('info'), warn: say('warn'), error: say('error') },
    counters,
    api: { host: api.host, port: api.port, directory },
    random: () => 0.5,
    timing: fast,
    ...options.discovery,
  })
  discovery.start()
  return {
    api,
    discovery,
    counters,
    handed,
    targets: () => targets,
    said,
    directory,
    sensor: async (pod) => void (await api.pods.create(sensorPod(pod))),
    renewToken,
    withdrawPermission: () => withdraw(),
    grantPermission,
    close: async () => {
      discovery.stop()
      await api.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** Waits until it is so; says what was awaited when it never is. */
export async function until(what: () => boolean, timeoutMs = 8000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!what()) {
    if (performance.now() > deadline) throw new Error(`did not come true within ${timeoutMs} ms: ${what.toString()}`)
    await pause(2)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A sensor that is there before the sidecar looks. */
const firstSensor: SceneOptions = {
  before: async (api) => void (await api.pods.create(sensorPod({ name: 'zeek-1' }))),
}

/** A scene with the first sensor, watched already where the options leave that possible: with it, and the right to look. */
export async function startWatching(options: SceneOptions = {}): Promise<Scene> {
  const scene = await startScene({ ...firstSensor, ...options })
  if (options.before !== undefined || options.permitted === false) return scene
  await until(() => scene.api.openWatches === 1).catch(async (error: unknown) => {
    await scene.close()
    throw error
  })
  return scene
}

/** The first sensor goes, and another comes with another address. */
export async function replaceSensor(scene: Scene): Promise<void> {
  scene.api.pods.delete('sensors', 'zeek-1')
  await scene.sensor({ name: 'zeek-2', addresses: ['10.0.0.2'] })
}

export const followsReplacement = (scene: Scene): boolean => scene.targets()[0]?.address === '10.0.0.2'
