import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWhere, nodeAccess } from './world/abilities.ts'
import { type Api, apiServerMetric, failOpenReasons, getJson, openApi } from './world/api.ts'
import { eventually, type KubeObject, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { chart, helm, release, releaseNamespace } from './world/release.ts'
import { type Creation, type Stream, startStream } from './world/stream.ts'
import { sidecarOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const store = `${release}-certificates`
const perSecond = 50
const rotations = 20
const namespace = useNamespace('rotated', {}, [])
const creation = pod({ name: 'stream', namespace, labels: optIn })

/** Ready, and for as long as the chart's Deployment wants to see it (minReadySeconds). */
const isAvailable = ({ status }: KubeObject): boolean => {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  return ready?.status === 'True' && Date.now() - Date.parse(ready.lastTransitionTime ?? '') > 3000
}

const lost = (creations: readonly Creation[]): readonly Creation[] =>
  creations.filter(({ outcome }) => outcome !== 'tapped')

async function change(...settings: readonly string[]): Promise<void> {
  const kept = ['--reset-then-reuse-values', '--wait', '--timeout', '90s']
  await helm('upgrade', release, chart, '--namespace', releaseNamespace, ...kept, ...settings)
  await rolledOut(releaseNamespace, `deployment/${release}`)
}

/** The same numbers in every run: mulberry32. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The process of an injector, which the test cluster runs on this machine. */
function processOf(podName: string): number {
  const found = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false
    try {
      const variables = readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0')
      return (
        variables.includes(`HOSTNAME=${podName}`) && readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('injector')
      )
    } catch {
      return false
    }
  })
  if (found.length !== 1) throw new Error(`${podName} has ${found.length} processes, not one`)
  return Number(found[0])
}

describeWhere(nodeAccess, `given two injectors, and ${perSecond} pods a second`, () => {
  let api: Api
  const folder = `/api/v1/namespaces/${releaseNamespace}`
  const failOpen = (): Promise<number> =>
    apiServerMetric(api, 'apiserver_admission_webhook_fail_open_count', 'name="pod.inject.vxtap.io"')
  const injectors = async (): Promise<readonly KubeObject[]> => {
    const query = new URLSearchParams({ labelSelector: 'app.kubernetes.io/component=injector' })
    const { items } = await getJson<{ items: KubeObject[] }>(api, `${folder}/pods?${query}`)
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }
  const stream = (): Stream => startStream(api, creation, namespace, perSecond, (made) => sidecarOf(made) !== undefined)

  beforeAll(() => {
    api = openApi()
  })
  afterAll(async () => {
    await change('--set', 'certificate.life=30d,certificate.authorityLife=365d')
    api.close()
  })

  it(`when certificates get six seconds to live, are rotated ${rotations} times, and injectors are deleted meanwhile, then no call fails`, async () => {
    const random = numbers(1)
    const certificates = new Set<string>()
    const authorities = new Set<string>()
    const deleted: number[] = []
    const before = await failOpen()
    const started = Date.now()
    const pods = stream()
    await change('--set', 'certificate.life=6s,certificate.authorityLife=24s')
    let nextDeletion = Date.now() + 2000
    while (certificates.size <= rotations) {
      const { data } = await getJson<{ data: Record<string, string> }>(api, `${folder}/secrets/${store}`)
      certificates.add(data['tls.crt'] ?? '')
      authorities.add(data['ca.crt'] ?? '')
      if (Date.now() > nextDeletion) {
        // As a disruption budget has it: nobody goes before the one that went earlier is replaced.
        const all = await injectors()
        const ready = all.filter(isAvailable)
        if (all.length === 2 && ready.length === 2) {
          const victim = ready[Math.floor(random() * 2)]!.metadata.name
          await api.call('DELETE', `${folder}/pods/${victim}`)
          deleted.push(Math.round((Date.now() - started) / 1000))
          nextDeletion = Date.now() + 1000 + random() * 4000
        }
      }
      await sleep(400)
    }
    await pods.stop()
    const took = pods.creations.map(({ ms }) => ms).sort((one, other) => one - other)
    process.stderr.write(
      `[rotation] ${took.length} calls, ${certificates.size - 1} rotations, ${authorities.size - 1} of the authority, injectors deleted after ${deleted.join(', ')} s, median ${took[took.length >> 1]} ms, longest ${took.at(-1)} ms\n`,
    )
    expect(failOpenReasons(started)).toEqual([])
    expect(lost(pods.creations)).toEqual([])
    expect(await failOpen()).toBe(before)
    expect(authorities.size).toBeGreaterThan(3)
    expect(deleted.length).toBeGreaterThan(3)
    expect(took.length).toBeGreaterThan(1000)
  })

  it('when the leader is killed outright, then every pod is created, and soon all are tapped again', async () => {
    await eventually('two injectors are left', async () => {
      const all = await injectors()
      return all.length === 2 && all.every(isAvailable)
    })
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${releaseNamespace}/leases/${store}`
    const { spec } = await getJson<{ spec: { holderIdentity: string } }>(api, lease)
    const leader = (await injectors()).find(({ metadata }) => spec.holderIdentity.startsWith(metadata.name))
    const pods = stream()
    await sleep(1000)
    const killed = Date.now()
    process.kill(processOf(leader!.metadata.name), 'SIGKILL')
    await sleep(8000)
    await pods.stop()
    const failed = lost(pods.creations)
    const last = failed.at(-1)?.at ?? killed
    process.stderr.write(
      `[rotation] killed outright: ${failed.length} of ${pods.creations.length} calls untapped, within ${last - killed} ms\n`,
    )
    expect(failed.filter(({ outcome }) => outcome === 'refused')).toEqual([])
    expect(last - killed).toBeLessThan(6500)
  })
})
