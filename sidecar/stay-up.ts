/**
 * A sidecar that can never capture stays, and says so. Were it to end, the kubelet would start it again and again: a pod
 * whose native sidecar does not run does not start its application, and one whose sidecar has ended is not Ready. A tap
 * must not take a pod from its Service for a filter with a typing error.
 */
import { readSidecarSettings } from '../contract/sidecar-settings.ts'
import { Counters } from './counters.ts'
import { serve } from './http.ts'
import { apiAccess } from './target/api-access.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Whether the kubelet started this process: it tells every container of the API (kubelet_pods.go, getServiceEnvVarMap). */
export const isInPod = (environment: Environment): boolean => apiAccess(environment) !== undefined

/**
 * Keeps the process up, with `/healthz` and `/readyz` at 503, until it is told to stop.
 * @param told resolves then
 */
export async function stayUp(
  problem: string,
  environment: Environment,
  version: string,
  told: Promise<void>,
): Promise<void> {
  const sentence = `not capturing: ${problem}`
  const health = { healthy: false, ready: false, released: true, sentence }
  const timer = setInterval(() => {}, 60_000)
  const address = addressOf(environment)
  const server =
    address &&
    (await serve(address, {
      counters: new Counters(),
      version,
      engineName: () => 'none',
      health: () => health,
      refusal: () => undefined,
      targetCount: () => 0,
      paths: () => [],
      discoveryRequests: () => [],
      refresh: () => {},
    }))
  await told
  clearInterval(timer)
  if (server && !(server instanceof Error)) server.close()
}

/** Where to answer, whatever else is wrong with the settings. */
function addressOf({ METRICS_ADDRESS }: Environment) {
  const alone = readSidecarSettings({ SENSOR: 'none', ...(METRICS_ADDRESS === undefined ? {} : { METRICS_ADDRESS }) })
  return alone.ok ? alone.settings.metricsAddress : undefined
}
