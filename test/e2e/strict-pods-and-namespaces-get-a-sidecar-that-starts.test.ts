import { beforeAll, describe, expect, it } from 'vitest'
import { apply, type KubeObject, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { sendsTo, sidecarOf, statusOf } from './world/tap.ts'
import { idleContainer, optIn, pod, sensorPod } from './world/workloads.ts'

const namespace = useNamespace('strict')
const limited = useNamespace('limited', {}, ['limited', 'strict'])

describe('given a sensor', () => {
  let sensor: KubeObject
  beforeAll(async () => {
    await apply(sensorPod(namespace))
    sensor = await ready(namespace, 'sensor')
  })

  it('when the pod demands runAsNonRoot and more, then the sidecar runs beside it and finds the sensor', async () => {
    const securityContext = {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 2000,
      seccompProfile: { type: 'RuntimeDefault' },
    }
    await apply(pod({ name: 'non-root', namespace, labels: optIn }, idleContainer, { securityContext }))
    const made = await ready(namespace, 'non-root')
    expect(sidecarOf(made)).toBeDefined()
    await sendsTo(namespace, 'non-root', sensor.status.podIP!)
  })

  it('when the pod has no service account token, then the sidecar gets one of its own and finds the sensor', async () => {
    const spec = { automountServiceAccountToken: false }
    await apply(pod({ name: 'no-token', namespace, labels: optIn }, idleContainer, spec))
    const made = await ready(namespace, 'no-token')
    expect(statusOf(made)?.volumes.length).toBe(1)
    await sendsTo(namespace, 'no-token', sensor.status.podIP!)
  })

  it('when the pod shares its process namespace, then the sidecar runs and finds the sensor', async () => {
    await apply(pod({ name: 'shared', namespace, labels: optIn }, idleContainer, { shareProcessNamespace: true }))
    await ready(namespace, 'shared')
    await sendsTo(namespace, 'shared', sensor.status.podIP!)
  })
})

describe('given a namespace with a ResourceQuota and a LimitRange', () => {
  beforeAll(async () => {
    await apply(
      {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'quota', namespace: limited },
        spec: {
          hard: { 'requests.cpu': '1', 'requests.memory': '1Gi', 'limits.cpu': '4', 'limits.memory': '2Gi' },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'LimitRange',
        metadata: { name: 'range', namespace: limited },
        spec: {
          limits: [
            {
              type: 'Container',
              default: { cpu: '500m', memory: '256Mi' },
              defaultRequest: { cpu: '50m', memory: '64Mi' },
              max: { cpu: '2', memory: '1Gi' },
            },
          ],
        },
      },
    )
  })

  it('when a pod opts in, then it starts with a sidecar that says what it needs', async () => {
    await apply(pod({ name: 'web', namespace: limited, labels: optIn }))
    const sidecar = sidecarOf(await ready(limited, 'web'))
    expect(sidecar?.resources?.requests).toEqual({ cpu: '50m', memory: '96Mi' })
    expect(sidecar?.resources?.limits).toEqual({ cpu: '1', memory: '256Mi' })
  })
})
