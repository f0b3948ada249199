import { afterAll, describe, expect, it } from 'vitest'
import { apply, eventually, getObject, kubectl, list } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { chart, helm, release, releaseNamespace } from './world/release.ts'
import { sidecarOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('resettled', {}, [])
const place = ['--namespace', releaseNamespace]
const injectors = 'app.kubernetes.io/component=injector'
const settings = `${release}-settings`
/** The kubelet brings a changed ConfigMap into running pods within a minute, and what it keeps of it for as long. */
const kubeletSeconds = 130

interface WithVariables {
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
}

const upgrade = (...values: readonly string[]): Promise<string> =>
  helm('upgrade', release, chart, ...place, '--reset-then-reuse-values', '--wait', '--timeout', '90s', ...values)

/** Of each injector: which pod it is, and how often it was started. */
const identities = async (): Promise<string[]> => {
  const pods = await list(releaseNamespace, 'pod', injectors)
  return pods.map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses?.[0]?.restartCount}`).sort()
}

let asked = 0
/** The VNI that a pod gets that says nothing about it. */
async function vniOfNewPod(): Promise<string | undefined> {
  const name = `web-${++asked}`
  await apply(pod({ name, namespace, labels: optIn }))
  const sidecar = sidecarOf(await getObject(namespace, 'pod', name)) as WithVariables | undefined
  return sidecar?.env?.find((variable) => variable.name === 'VNI')?.value
}

/** Both injectors have said it: either may be asked next. */
const allHaveSaid = (sentence: string): Promise<unknown> =>
  eventually(
    `both injectors say "${sentence}"`,
    async () => {
      const pods = await list(releaseNamespace, 'pod', injectors)
      const logs = await Promise.all(
        pods.map(({ metadata }) => kubectl(['-n', releaseNamespace, 'logs', metadata.name])),
      )
      return logs.length > 0 && logs.every((log) => log.split('\n').some((line) => line.includes(sentence)))
    },
    kubeletSeconds,
  )

describe('given injectors that run', () => {
  let before: string[] = []
  afterAll(async () => {
    await upgrade('--set', 'defaults.vni=null')
    await eventually('pods get what they got before', async () => (await vniOfNewPod()) !== '77', kubeletSeconds)
  }, 300_000)

  it('when helm changes a default, then new pods get it, and no injector was restarted', async () => {
    before = await identities()
    expect(before).toHaveLength(2)
    expect(await vniOfNewPod()).not.toBe('77')
    await upgrade('--set', 'defaults.vni=77')
    await allHaveSaid('the settings file changed; pods are decided on by the new settings')
    expect(await vniOfNewPod()).toBe('77')
    expect(await identities()).toEqual(before)
  }, 300_000)

  it('when somebody writes a wrong one into the ConfigMap, then it is kept out, which both injectors say', async () => {
    const data = { 'settings.yaml': 'defaults: {sensor: sensor, vni: 16777216}\npodSecurity: maybe\n' }
    await kubectl([...place, 'patch', 'configmap', settings, '--type=merge', '-p', JSON.stringify({ data })])
    await allHaveSaid('defaults.vni=\\"16777216\\" is not allowed')
    expect(await vniOfNewPod()).toBe('77')
    expect(await identities()).toEqual(before)
  }, 300_000)
})
