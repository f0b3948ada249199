import { describe, expect, it } from 'vitest'
import { nativeSidecars } from './world/abilities.ts'
import { image } from './world/images.ts'
import { apply, eventually, kubectl, list, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { releaseNamespace } from './world/release.ts'
import { sendsTo, sidecarOf } from './world/tap.ts'
import { optIn, pod, sensorPod } from './world/workloads.ts'

const namespace = useNamespace('native')
const short = { name: 'work', image, command: ['node', '-e', 'setTimeout(() => {}, 1000)'] }

const job = (name: string, labels: object): object => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace },
  spec: { template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [short] } } },
})

if (nativeSidecars)
  describe('given nodes that have native sidecars', () => {
    it('when a pod with an init container of its own is tapped, then the sidecar comes before it', async () => {
      await apply(
        sensorPod(namespace),
        pod({ name: 'web', namespace, labels: optIn }, undefined, {
          initContainers: [{ name: 'prepare', image, command: ['node', '-e', '0'] }],
        }),
      )
      const made = await ready(namespace, 'web')
      expect(made.spec.initContainers?.map(({ name }) => name)).toEqual(['vxtap', 'prepare'])
      expect(sidecarOf(made)?.restartPolicy).toBe('Always')
      expect(made.spec.containers.map(({ name }) => name)).toEqual(['app'])
      expect(made.status.initContainerStatuses?.[0]).toMatchObject({ name: 'vxtap', ready: true, restartCount: 0 })
    })

    it('when a Job is tapped, then it completes, and its sidecar ends without an error', async () => {
      await apply(job('batch', optIn))
      await kubectl(['-n', namespace, 'wait', '--for=condition=Complete', 'job/batch', '--timeout=60s'])
      const made = (await list(namespace, 'pod', 'job-name=batch'))[0]!
      expect(made.spec.initContainers?.[0]?.name).toBe('vxtap')
      const ended = await eventually('its sidecar has ended', async () => {
        const [again] = await list(namespace, 'pod', 'job-name=batch')
        return again?.status.initContainerStatuses?.[0]?.state['terminated']
      })
      expect(ended.exitCode).toBe(0)
    })

    it('when a CronJob runs, then its Job completes too', async () => {
      await apply({
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'nightly', namespace },
        spec: {
          schedule: '0 3 1 1 *',
          jobTemplate: {
            spec: {
              template: {
                metadata: { labels: optIn },
                spec: { restartPolicy: 'OnFailure', containers: [short] },
              },
            },
          },
        },
      })
      await kubectl(['-n', namespace, 'create', 'job', 'tonight', '--from=cronjob/nightly'])
      await kubectl(['-n', namespace, 'wait', '--for=condition=Complete', 'job/tonight', '--timeout=60s'])
      expect((await list(namespace, 'pod', 'job-name=tonight'))[0]?.spec.initContainers?.[0]?.name).toBe('vxtap')
    })
  })
else
  describe('given nodes that do not have native sidecars', () => {
    it('when a pod is tapped, then the sidecar is one more container, and the pod becomes Ready', async ({
      annotate,
    }) => {
      await annotate('an ordinary container; the Job completes untouched', 'instead')
      await apply(sensorPod(namespace), pod({ name: 'web', namespace, labels: optIn }))
      const made = await ready(namespace, 'web')
      expect(made.spec.initContainers).toBeUndefined()
      expect(made.spec.containers.map(({ name }) => name).sort()).toEqual(['app', 'vxtap'])
      expect(sidecarOf(made)?.restartPolicy).toBeUndefined()
      await sendsTo(namespace, 'web', (await ready(namespace, 'sensor')).status.podIP!)
    })

    it('when a Job opts in, then it completes untouched, and the injector says why', async () => {
      await apply(job('batch', optIn))
      await kubectl(['-n', namespace, 'wait', '--for=condition=Complete', 'job/batch', '--timeout=60s'])
      expect(sidecarOf((await list(namespace, 'pod', 'job-name=batch'))[0]!)).toBeUndefined()
      const log = await kubectl(['-n', releaseNamespace, 'logs', '-l', 'app.kubernetes.io/name=vxtap', '--tail=-1'])
      expect(log).toMatch(/"job_without_native_sidecars".*Job\/batch|Job\/batch.*"job_without_native_sidecars"/)
    })
  })
