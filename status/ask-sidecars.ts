/** Asks sidecars how they are, through the API server's proxy to their pods: a few at once, none for longer than it may take. */

import type { Rest } from '../injector/cluster/rest.ts'
import { healthOf } from './health.ts'
import { missingRule } from './problem.ts'
import type { Health, PodReport } from './report.ts'

/** Each asks twice; a cluster's API server has hundreds of requests under way, and ours must not be noticed. */
const mostAtOnce = 8

export async function withHealth(rest: Rest, pods: readonly PodReport[], timeoutMs: number): Promise<PodReport[]> {
  const asked = [...pods]
  let next = 0
  const work = async (): Promise<void> => {
    while (next < asked.length) {
      const index = next++
      const pod = asked[index]!
      if (pod.tap === 'tapped' && !pod.ended) asked[index] = { ...pod, health: await ask(rest, pod, timeoutMs) }
    }
  }
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, pods.length) }, work))
  return asked
}

async function ask(rest: Rest, { namespace, pod, phase, sidecar }: PodReport, timeoutMs: number): Promise<Health> {
  const port = sidecar?.metricsPort
  if (port === undefined) return { asked: false, why: 'its metrics are turned off' }
  // A pod waits for its init containers while it is Pending, and the sidecar may run already.
  if (phase !== 'Running' && phase !== 'Pending') return { asked: false, why: `its pod is ${phase || 'not started'}` }
  const proxy = `/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy`
  try {
    const [metrics, readiness] = await Promise.all([
      rest.text(`${proxy}/metrics`, { timeoutMs }),
      rest.text(`${proxy}/readyz`, { timeoutMs }),
    ])
    return healthOf(metrics, readiness)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { asked: false, why: /in time/.test(why) ? `it did not answer within ${timeoutMs / 1000} s` : why }
  }
}

/** What to say once where the right is missing. */
export function notesOnAsking(pods: readonly PodReport[]): string[] {
  const refused = pods.filter(({ health }) => health?.asked === false && health.why.includes('pods/proxy'))
  const [first] = refused
  if (first === undefined) return []
  const rule = missingRule({ verb: 'get', resource: 'pods/proxy', namespace: first.namespace })
  const count = refused.length === 1 ? '1 sidecar was' : `${refused.length} sidecars were`
  return [`${count} not asked how it goes, because you may not:\n${rule}`]
}
