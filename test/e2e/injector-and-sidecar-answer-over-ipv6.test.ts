import { afterAll, beforeAll, expect, it } from 'vitest'
import { urlHost } from '../cluster/addresses.ts'
import { describeIpv6, ipv6Only } from './world/ipv6.ts'
import {
  addressesOf,
  apply,
  eventually,
  getObject,
  type KubeObject,
  kubectl,
  list,
  ready,
  rolledOut,
} from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { release, releaseNamespace } from './world/release.ts'
import { metricsPort, sidecarOf } from './world/tap.ts'
import { optIn, pod } from './world/workloads.ts'

const namespace = useNamespace('answers-six')
const injectorMetricsPort = 9412

interface Service {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly spec: Readonly<Record<string, unknown>>
}

/** The addresses of a Service are fixed: it is made anew, as Helm made it, but for its families. */
async function remake({ metadata, spec }: Service, families: object): Promise<void> {
  const { name, labels, annotations } = metadata
  const { selector, ports } = spec
  await kubectl(['-n', releaseNamespace, 'delete', 'service', release])
  await apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: releaseNamespace, labels, annotations },
    spec: { selector, ports, ...families },
  })
}

/** Address types of what the Service leads to, once every injector is behind it. */
const behind = (): Promise<string[]> =>
  eventually('the Service has endpoints', async () => {
    const path = '{range .items[*]}{.addressType}:{range .endpoints[*]}{.addresses[0]},{end} {end}'
    const selector = `kubernetes.io/service-name=${release}`
    const args = ['-n', releaseNamespace, 'get', 'endpointslices', '-l', selector, '-o', `jsonpath=${path}`]
    const slices = (await kubectl(args)).trim().split(' ')
    return slices.every((slice) => slice.split(',').length === 3) && slices.map((slice) => slice.split(':')[0] ?? '')
  })

const statuses = (pod: KubeObject, port: number, path: string): Promise<number[]> =>
  Promise.all(
    addressesOf(pod).map(async (address) => {
      const response = await fetch(`http://${urlHost(address)}:${port}${path}`, { signal: AbortSignal.timeout(3000) })
      await response.text()
      return response.status
    }),
  )

describeIpv6('given that the injectors are behind an IPv6-only Service', () => {
  let made: Service
  let tapped: KubeObject
  beforeAll(async () => {
    made = await getObject<Service>(releaseNamespace, 'service', release)
    await remake(made, ipv6Only)
    // The API server keeps its connections: they must end with the injectors that they lead to.
    await kubectl(['-n', releaseNamespace, 'rollout', 'restart', `deployment/${release}`])
    await rolledOut(releaseNamespace, `deployment/${release}`)
    const selector = 'app.kubernetes.io/component=injector'
    await eventually('the old injectors are gone', async () => {
      return (await list(releaseNamespace, 'pod', selector)).length === 2
    })
  })
  afterAll(async () => {
    await remake(made, {})
    await behind()
  })

  it('when a pod opts in, then the API server reaches an injector over IPv6, and the pod is tapped', async () => {
    expect(await behind()).toEqual(['IPv6'])
    let count = 0
    tapped = await eventually('a pod is tapped', async () => {
      const name = `web-${count++}`
      await apply(pod({ name, namespace, labels: optIn }))
      const started = await ready(namespace, name)
      return sidecarOf(started) && started
    })
  })

  it('then the sidecar answers at each address of its pod', async () => {
    const expected = addressesOf(tapped).map(() => 200)
    expect(expected.length).toBeGreaterThan(0)
    // A pod is Ready before its sidecar has opened the port.
    const first = await eventually('the sidecar answers', () =>
      statuses(tapped, metricsPort, '/healthz').catch(() => undefined),
    )
    expect(first).toEqual(expected)
    expect(await statuses(tapped, metricsPort, '/metrics')).toEqual(expected)
  })

  it('then each injector answers at each of its addresses', async () => {
    const injectors = await list(releaseNamespace, 'pod', 'app.kubernetes.io/component=injector')
    expect(injectors.length).toBe(2)
    for (const injector of injectors) {
      const expected = addressesOf(injector).map(() => 200)
      expect(await statuses(injector, injectorMetricsPort, '/readyz')).toEqual(expected)
      expect(await statuses(injector, injectorMetricsPort, '/metrics')).toEqual(expected)
    }
  })
})
