import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vxtapRepository } from '../cluster/image/names.ts'
import { type Api, apiServerMetric, openApi } from './world/api.ts'
import { eventually, type KubeObject, kubectl, list, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { chart, helm } from './world/release.ts'
import { type Creation, startStream } from './world/stream.ts'
import { sidecarOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const release = 'rotating'
const name = 'rotating-vxtap'
const store = 'rotating-vxtap-certificates'
const injectors = 'app.kubernetes.io/component=injector'
/** By this default, a pod shows that it was these injectors who tapped it: the cluster's other release is asked later. */
const network = '777'
const perSecond = 50
const rotations = 20
const namespace = useNamespace('rotated', {}, [])
const creation = pod({ name: 'stream', namespace, labels: optIn })

const isOurs = (made: KubeObject): boolean => {
  const sidecar = sidecarOf(made) as { env?: { name: string; value?: string }[] } | undefined
  return sidecar?.env?.some((variable) => variable.name === 'VNI' && variable.value === network) ?? false
}

const lost = (creations: readonly Creation[]): readonly Creation[] =>
  creations.filter(({ outcome }) => outcome !== 'tapped')

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

describe(`given two injectors whose certificates live for six seconds, and ${perSecond} pods a second`, () => {
  let api: Api
  const failOpen = (): Promise<number> =>
    apiServerMetric(api, 'apiserver_admission_webhook_fail_open_count', 'name="pod.inject.vxtap.io"')

  beforeAll(async () => {
    api = openApi()
    await helm(
      ...['install', release, chart, '--namespace', release, '--create-namespace', '--wait', '--timeout', '90s'],
      ...['--set', `image.repository=${vxtapRepository}`, '--set', `defaults.vni=${network}`],
      ...['--set', 'defaults.sensor=elsewhere', '--set', 'certificate.life=6s,certificate.authorityLife=24s'],
    )
    await rolledOut(release, `deployment/${name}`)
  })
  afterAll(async () => {
    await helm('uninstall', release, '--namespace', release, '--ignore-not-found')
    await kubectl(['delete', 'namespace', release, '--wait=false'])
    api.close()
  })

  it(`when the certificate is rotated ${rotations} times and injectors are deleted meanwhile, then no call fails`, async () => {
    const random = numbers(1)
    const certificates = new Set<string>()
    const authorities = new Set<string>()
    const deleted: string[] = []
    const before = await failOpen()
    const stream = startStream(api, creation, namespace, perSecond, isOurs)
    let nextDeletion = Date.now() + 4000
    while (certificates.size <= rotations) {
      const { text } = await api.call('GET', `/api/v1/namespaces/${release}/secrets/${store}`)
      const { data } = JSON.parse(text) as { data: Record<string, string> }
      certificates.add(data['tls.crt'] ?? '')
      authorities.add(data['ca.crt'] ?? '')
      if (Date.now() > nextDeletion) {
        const pods = await list(release, 'pod', injectors)
        // As a disruption budget has it: nobody goes before the one that went earlier is replaced.
        const ready = pods.filter(({ status }) =>
          status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
        )
        if (pods.length === 2 && ready.length === 2) {
          const victim = ready[Math.floor(random() * 2)]!.metadata.name
          await api.call('DELETE', `/api/v1/namespaces/${release}/pods/${victim}`)
          deleted.push(victim)
          nextDeletion = Date.now() + 1000 + random() * 4000
        }
      }
      await sleep(400)
    }
    await stream.stop()
    const { creations } = stream
    const took = creations.map(({ ms }) => ms).sort((one, other) => one - other)
    process.stderr.write(
      `[rotation] ${creations.length} calls, ${certificates.size - 1} rotations, ${authorities.size - 1} of the authority, ${deleted.length} injectors deleted, median ${took[took.length >> 1]} ms, longest ${took.at(-1)} ms\n`,
    )
    expect(lost(creations)).toEqual([])
    expect(await failOpen()).toBe(before)
    expect(authorities.size).toBeGreaterThan(2)
    expect(deleted.length).toBeGreaterThan(3)
    expect(creations.length).toBeGreaterThan(1000)
  })

  it('when an injector is killed outright, then every pod is created, and soon all are tapped again', async () => {
    await rolledOut(release, `deployment/${name}`)
    await eventually('two injectors are left', async () => (await list(release, 'pod', injectors)).length === 2)
    const { text } = await api.call('GET', `/apis/coordination.k8s.io/v1/namespaces/${release}/leases/${store}`)
    const holder = (JSON.parse(text) as { spec: { holderIdentity: string } }).spec.holderIdentity
    const leader = (await list(release, 'pod', injectors)).find(({ metadata }) => holder.startsWith(metadata.name))
    const stream = startStream(api, creation, namespace, perSecond, isOurs)
    await sleep(1000)
    const killed = Date.now()
    process.kill(processOf(leader!.metadata.name), 'SIGKILL')
    await sleep(8000)
    await stream.stop()
    const failed = lost(stream.creations)
    const last = failed.at(-1)?.at ?? killed
    process.stderr.write(
      `[rotation] killed outright: ${failed.length} of ${stream.creations.length} calls untapped, over ${last - killed} ms\n`,
    )
    expect(failed.filter(({ outcome }) => outcome === 'refused')).toEqual([])
    expect(last - killed).toBeLessThan(4000)
  })
})
