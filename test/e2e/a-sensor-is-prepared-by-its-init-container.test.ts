/** What a container runtime gives the init container of docs/sensors.md: capabilities, and its default seccomp profile. */
import { describe, expect, it } from 'vitest'
import { vxtapImage } from '../cluster/image/names.ts'
import { documentedSensor } from '../support/documented-init-container.ts'
import { apply, eventually, exec, getObject, logs, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { sensorTemplate } from './world/workloads.ts'

const namespace = useNamespace('prepared')

function sensor(name: string, capabilities = documentedSensor().prepare.securityContext.capabilities.add): object {
  const { metadata, spec } = sensorTemplate()
  const { annotations, prepare } = documentedSensor()
  const { securityContext } = prepare
  const container = {
    ...prepare,
    image: vxtapImage,
    securityContext: {
      ...securityContext,
      capabilities: { ...securityContext.capabilities, add: capabilities },
    },
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name, namespace, annotations },
    spec: { ...spec, securityContext: { seccompProfile: { type: 'RuntimeDefault' } }, initContainers: [container] },
  }
}

interface PodStatus {
  readonly status: {
    readonly initContainerStatuses?: readonly {
      readonly state: Ended
      readonly lastState: Ended
    }[]
    readonly conditions: readonly { readonly type: string; readonly status: string }[]
  }
}

interface Ended {
  readonly terminated?: { readonly exitCode: number; readonly message?: string }
}

describe('given a sensor with an init container that prepares it', () => {
  it('when that has NET_ADMIN and BPF, then it prepares eth0 under the default seccomp profile, and the sensor starts', async () => {
    await apply(sensor('able'))
    await ready(namespace, 'able')
    expect(await logs(namespace, 'able', 'prepare')).toMatch(/eth0 is prepared: .*\(prepared\)$/m)
    // Both containers of the pod have the profile: 2 is a filter (proc(5)).
    const status = "process.stdout.write(require('fs').readFileSync('/proc/1/status', 'latin1'))"
    expect(await exec(namespace, 'able', 'receive', ['node', '-e', status])).toMatch(/^Seccomp:\t2$/m)
  })

  it('when it lacks BPF, then the sensor does not start, and its status says why', async () => {
    await apply(sensor('unable', ['NET_ADMIN']))
    const ended = await eventually('the init container has failed', async () => {
      const [status] = (await getObject<PodStatus>(namespace, 'pod', 'unable')).status.initContainerStatuses ?? []
      return status?.state.terminated ?? status?.lastState.terminated
    })
    expect(ended).toMatchObject({ exitCode: 77, message: expect.stringContaining('lacks the capability BPF') })
    const { status } = await getObject<PodStatus>(namespace, 'pod', 'unable')
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False' }))
  })
})
