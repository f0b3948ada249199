import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StatusReport } from '../../status/report.ts'
import { apply, eventually, kubectl, list, ready, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { release, releaseNamespace } from './world/release.ts'
import { sidecarOf } from './world/tap.ts'
import { vxtap, vxtapWithExitCode } from './world/vxtap.ts'
import { deployment, optIn, pod, sensorPod } from './world/workloads.ts'

const namespace = useNamespace('no-injector')
const injector = 'app.kubernetes.io/component=injector'
const scale = (replicas: number): Promise<string> =>
  kubectl(['-n', releaseNamespace, 'scale', `deployment/${release}`, `--replicas=${replicas}`])

/** What each injector counts of pods that started without one. */
async function counted(): Promise<number[]> {
  const injectors = await list(releaseNamespace, 'pods', injector)
  return Promise.all(
    injectors.map(async ({ status }) => {
      const response = await fetch(`http://${status.podIP}:9412/metrics`, { signal: AbortSignal.timeout(3000) })
      const found = /^vxtap_injector_untapped_pods\{reason="started_without_injector"\} (\d+)$/m
      return Number(found.exec(await response.text())?.[1])
    }),
  )
}

const everyInjectorCounts = (pods: number): Promise<unknown> =>
  eventually(
    `two injectors count ${pods} pods that started without one`,
    async () => (await counted().catch(() => [])).join() === `${pods},${pods}`,
  )

interface Event {
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly kind: string; readonly name: string }
}
const told = async (): Promise<Event[]> =>
  (await list<Event>(namespace, 'events')).filter(({ reason }) => reason === 'StartedWithoutInjector')

async function status(): Promise<StatusReport> {
  return JSON.parse(await vxtap('status', '-n', namespace, '-o', 'json')) as StatusReport
}

describe('given that no injector runs', () => {
  beforeAll(async () => {
    await apply(sensorPod(namespace))
    await scale(0)
    await kubectl(['-n', releaseNamespace, 'wait', '--for=delete', 'pod', '-l', injector, '--timeout=60s'])
  })
  afterAll(async () => {
    await scale(2)
    await rolledOut(releaseNamespace, `deployment/${release}`)
  })

  it('when a pod that opts in is created, then it starts without delay, and untouched', async () => {
    const started = Date.now()
    await apply(pod({ name: 'web', namespace, labels: optIn }))
    expect(Date.now() - started).toBeLessThan(5000)
    expect(sidecarOf(await ready(namespace, 'web'))).toBeUndefined()
    await apply(deployment({ name: 'shop', namespace, labels: optIn }))
    await rolledOut(namespace, 'deployment/shop')
  })

  it('then vxtap status says that pods created now start untapped', async () => {
    expect((await status()).notes).toContain('no injector is ready (0 of 0): pods created now start untapped')
  })

  it('when the injectors are back, then the next pod is tapped', async () => {
    await scale(2)
    await rolledOut(releaseNamespace, `deployment/${release}`)
    await apply(pod({ name: 'later', namespace, labels: optIn }))
    expect(sidecarOf(await ready(namespace, 'later'))).toBeDefined()
  })

  it('then both injectors count the pods that started without one, and each owner is told once', async () => {
    await everyInjectorCounts(2)
    const events = await eventually('both owners are told', async () => {
      const found = await told()
      return found.length >= 2 && found
    })
    expect(events.map(({ involvedObject }) => involvedObject.kind).sort()).toEqual(['Pod', 'ReplicaSet'])
    expect(events.find(({ involvedObject }) => involvedObject.kind === 'ReplicaSet')?.message).toContain(
      `kubectl -n ${namespace} rollout restart deployment/shop`,
    )
  })

  it('then vxtap status lists them with what to do, and the sidecar that there is says how it is', async () => {
    const report = await eventually('the tapped pod has its sensor', async () => {
      const found = await status()
      return found.pods.some(({ health }) => health?.asked && health.sensors === 1) && found
    })
    expect(report.summary).toEqual({ pods: 3, tapped: 1, refused: 0, blind: 2, olderSidecars: 0, unwell: 0 })
    const text = await vxtapWithExitCode('status', '-n', namespace, '--fail-on-blind-spots')
    expect(text).toMatch(/^no-injector +web +blind +- .*started_without_injector$/m)
    expect(text).toMatch(/^no-injector +later +tapped +\S+ +1 +\d+ +\d+ +ready$/m)
    expect(text).toContain(`kubectl -n ${namespace} rollout restart deployment/shop`)
    expect(text.trimEnd().split('\n').at(-1)).toBe('2')
  })

  it('then vxtap why says why', async () => {
    expect(await vxtap('why', 'deployment/shop', '-n', namespace)).toMatch(
      /^pod no-injector\/shop-\S+: not tapped, and could be \(started_without_injector\)\n {2}The pod asks for a tap and runs without one/,
    )
    expect(await vxtap('why', 'pod/later', '-n', namespace)).toContain('pod no-injector/later: tapped (injected)')
    expect(await vxtapWithExitCode('why', 'pod/none', '-n', namespace)).toBe(
      `vxtap why: pods "none" not found in the namespace ${namespace}\n1\n`,
    )
  })

  it('when what it says is done, then they are tapped, and nobody counts or lists them any more', async () => {
    await kubectl(['-n', namespace, 'rollout', 'restart', 'deployment/shop'])
    await rolledOut(namespace, 'deployment/shop')
    await kubectl(['-n', namespace, 'delete', 'pod', 'web'])
    await everyInjectorCounts(0)
    const report = await eventually('no blind spot is left', async () => {
      const found = await status()
      return found.summary.blind === 0 && found.summary.pods === 2 && found
    })
    expect(report.summary.tapped).toBe(2)
    expect(await vxtapWithExitCode('status', '-n', namespace, '--fail-on-blind-spots')).toMatch(/\n0\n$/)
  })
})
