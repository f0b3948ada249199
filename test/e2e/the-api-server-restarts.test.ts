import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { apiServerPidFile, apiServerProcess, describeWhere } from './world/abilities.ts'
import { apply, eventually, getObject, kubectl, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { release, releaseNamespace } from './world/release.ts'
import { restartsOf, sendsTo, sidecarOf } from './world/tap.ts'
import { optIn, pod, sensorPod } from './world/workloads.ts'

const namespace = useNamespace('restarted')
/** Says nothing until the API server is back. */
const quiet = useNamespace('labelled-at-the-restart', {}, [])
const pid = (): number => Number(readFileSync(apiServerPidFile, 'utf8'))

describeWhere(apiServerProcess, 'given a tapped pod and its sensor', () => {
  it('when the API server is killed and comes back, then the tap goes on, and learns of a new sensor', async () => {
    await apply(sensorPod(namespace), pod({ name: 'web', namespace, labels: optIn }))
    const sensor = await ready(namespace, 'sensor')
    await ready(namespace, 'web')
    await sendsTo(namespace, 'web', sensor.status.podIP!)

    const old = pid()
    process.kill(old, 'SIGKILL')
    await eventually('it has been started again', async () => pid() !== old)
    await eventually('it is ready', async () => (await kubectl(['get', '--raw', '/readyz']).catch(() => '')) === 'ok')

    // At once: the injectors have lost their watches, and wait before they try again.
    await kubectl(['label', 'namespace', quiet, 'vxtap.io/inject=true'])

    await kubectl(['-n', namespace, 'delete', 'pod', 'sensor'])
    await apply(sensorPod(namespace))
    const successor = await ready(namespace, 'sensor')
    await sendsTo(namespace, 'web', successor.status.podIP!)
    const web = await ready(namespace, 'web')
    expect(restartsOf(web)).toBe(0)
  })

  it('then a namespace that was labelled while the injectors were cut off is seen by both', async () => {
    let number = 0
    let inARow = 0
    await eventually(
      'ten pods in a row are tapped, whichever injector is asked',
      async () => {
        const name = `web-${++number}`
        await apply(pod({ name, namespace: quiet }))
        inARow = sidecarOf(await getObject(quiet, 'pod', name)) === undefined ? 0 : inARow + 1
        return inARow === 10
      },
      60,
    )
  })

  it('then the injectors go on, and a namespace that is made now is known to them', async () => {
    const later = 'made-after-the-restart'
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: later, labels: optIn } })
    await eventually('it has a service account', async () => {
      return (await kubectl(['-n', later, 'get', 'serviceaccount', '-o', 'name'])).includes('default')
    })
    await apply(pod({ name: 'web', namespace: later }))
    expect(sidecarOf(await ready(later, 'web'))).toBeDefined()
    await kubectl(['delete', 'namespace', later, '--wait=false'])
    const injectors = await kubectl(['-n', releaseNamespace, 'get', 'deployment', release, '-o', 'json'])
    expect(JSON.parse(injectors).status.readyReplicas).toBe(2)
  })
})
