import { beforeAll, describe, expect, it } from 'vitest'
import { apply, eventually, logs, ready } from './world/kubectl.ts'
import { sensorAccess, useNamespace } from './world/namespace.ts'
import { restartsOf, sendsTo } from './world/tap.ts'
import { idleContainer, optIn, pod, sensorPod } from './world/workloads.ts'

const namespace = useNamespace('no-rights', {}, [])

describe('given a pod whose service account may not look for pods', () => {
  beforeAll(async () => {
    await apply(sensorPod(namespace), pod({ name: 'web', namespace, labels: optIn }, idleContainer))
    await ready(namespace, 'web')
  })

  it('when it is tapped, then its sidecar runs on, and its log names the missing rule and whom it is for', async () => {
    const line = await eventually('the log says it', async () => {
      const lines = (await logs(namespace, 'web', 'vxtap')).split('\n')
      return lines.find((text) => text.includes('not allowed'))
    })
    expect(line).toContain(
      'needs: get, list, watch pods in namespace \\"no-rights\\" for system:serviceaccount:no-rights:default',
    )
  })

  it('when the rule is given, then the sidecar finds the sensor by itself', async () => {
    const sensor = await ready(namespace, 'sensor')
    await apply(...sensorAccess(namespace, namespace))
    await sendsTo(namespace, 'web', sensor.status.podIP!)
    expect(restartsOf(await ready(namespace, 'web'))).toBe(0)
  })
})
