import { describe, expect, it } from 'vitest'
import { pauseImage } from './world/images.ts'
import { apply, list, rolledOut } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { restartsOf, sidecarOf } from './world/tap.ts'
import { deployment, idleContainer, optIn } from './world/workloads.ts'

const namespace = useNamespace('fifty')
const small = { requests: { cpu: '1m', memory: '16Mi' } }
const annotations = { 'vxtap.io/cpu-request': '1m', 'vxtap.io/memory-request': '32Mi' }

describe('given a Deployment of fifty pods that opt in', () => {
  it('when it is created, then every pod is tapped, and all of them run', async ({ annotate }) => {
    const started = Date.now()
    const application = pauseImage === undefined ? idleContainer : { name: 'app', image: pauseImage }
    const container = { ...application, resources: small }
    await apply(deployment({ name: 'crowd', namespace, labels: optIn, annotations }, container, {}, 50))
    await rolledOut(namespace, 'deployment/crowd', 110)
    await annotate(`50 pods at once: ${((Date.now() - started) / 1000).toFixed(1)} s until all are Ready`, 'figure')
    const pods = await list(namespace, 'pod', 'app=crowd')
    expect(pods.length).toBe(50)
    expect(pods.filter((made) => sidecarOf(made) === undefined)).toEqual([])
    expect(pods.filter((made) => restartsOf(made) !== 0)).toEqual([])
  })
})
