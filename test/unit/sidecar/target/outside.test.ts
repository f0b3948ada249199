/** A sensor outside the cluster: an address, or a name. */
import { afterEach, describe, expect, it } from 'vitest'
import type { SensorReference } from '../../../../contract/sidecar-settings.ts'
import { createDiscovery, type Discovery, DiscoveryCounters } from '../../../../sidecar/target/discovery.ts'
import type { Resolve } from '../../../../sidecar/target/discovery-options.ts'
import type { Target } from '../../../../sidecar/target/target.ts'
import { fast, pause, until } from './scene.ts'

describe('a sensor outside the cluster', () => {
  let discovery: Discovery
  let targets: readonly Target[] = []
  let handed: string[][] = []
  let said: string[] = []
  const counters = new DiscoveryCounters()
  const say = (message: string): void => void said.push(message)

  const begin = (sensor: SensorReference, families: (4 | 6)[], resolve?: Resolve): void => {
    targets = []
    handed = []
    said = []
    discovery = createDiscovery({
      sensor,
      namespace: '',
      podNamespace: '',
      place: { nodeName: 'node-1', zone: '', families: new Set(families) },
      onTargets: (found) => {
        targets = found
        handed.push(found.map((target) => target.address))
      },
      log: { debug: () => undefined, info: say, warn: say, error: say },
      counters,
      api: undefined,
      timing: fast,
      random: () => 0.5,
      ...(resolve === undefined ? {} : { resolve }),
    })
    discovery.start()
  }
  afterEach(() => discovery.stop())

  it('given an address, then has it at once and asks nobody', () => {
    begin({ kind: 'address', address: '192.0.2.7' }, [4])
    expect(targets).toMatchObject([{ key: '192.0.2.7', address: '192.0.2.7', family: 4, sameNode: false }])
    expect(discovery.state).toMatchObject({ kind: 'static', sentence: 'sending to 192.0.2.7, as SENSOR says' })
    expect([...counters.entries()]).toEqual([])
  })

  it('given an IPv6 address and a pod without one, then says so', () => {
    begin({ kind: 'address', address: '2001:db8::7' }, [4])
    expect(targets).toMatchObject([{ family: 6 }])
    expect(said).toEqual(['sending to 2001:db8::7, as SENSOR says; but this pod has no IPv6 address'])
  })

  it('given a name, then resolves it again and follows the answers', async () => {
    let answers = ['192.0.2.2', '192.0.2.1', '192.0.2.2']
    let asked = 0
    begin({ kind: 'host', host: 'sensor.example' }, [4], async () => {
      asked += 1
      return answers.map((address) => ({ address }))
    })
    await until(() => targets.length === 2)
    expect(targets).toMatchObject([
      { key: '192.0.2.1', name: 'sensor.example' },
      { key: '192.0.2.2', name: 'sensor.example' },
    ])
    await until(() => asked >= 3)
    expect(handed).toHaveLength(1)
    answers = ['192.0.2.9']
    await until(() => targets[0]?.address === '192.0.2.9')
    expect(handed).toEqual([['192.0.2.1', '192.0.2.2'], ['192.0.2.9']])
  })

  it('given a name that stops resolving, then keeps the last answer', async () => {
    let fails = false
    begin({ kind: 'host', host: 'sensor.example' }, [4], async () => {
      if (fails) throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
      return [{ address: '192.0.2.1' }]
    })
    await until(() => targets.length === 1)
    fails = true
    await until(() => discovery.state.kind === 'unreachable')
    expect(discovery.state.sentence).toBe(
      'SENSOR=sensor.example cannot be resolved (ENOTFOUND); going on with the last known 1 sensor; trying on',
    )
    expect(handed).toEqual([['192.0.2.1']])
    fails = false
    await until(() => discovery.state.kind === 'found')
    expect(handed).toEqual([['192.0.2.1']])
    expect(said).toHaveLength(3)
  })

  it('given a name with addresses of both families, then takes the first usable family only', async () => {
    const answers = async (): Promise<{ address: string }[]> => [
      { address: '2001:db8::1' },
      { address: '192.0.2.1' },
      { address: '2001:db8::2' },
    ]
    begin({ kind: 'host', host: 'sensor.example' }, [4, 6], answers)
    await until(() => targets.length > 0)
    expect(targets.map((target) => target.address)).toEqual(['2001:db8::1', '2001:db8::2'])
    discovery.stop()
    begin({ kind: 'host', host: 'sensor.example' }, [4], answers)
    await until(() => targets.length > 0)
    expect(targets.map((target) => target.address)).toEqual(['192.0.2.1'])
  })

  it('given only addresses that the pod cannot send to, then says which', async () => {
    begin({ kind: 'host', host: 'sensor.example' }, [4], async () => [{ address: '2001:db8::1' }])
    await until(() => discovery.state.kind === 'none')
    expect(discovery.state.sentence).toBe(
      'SENSOR=sensor.example has only 2001:db8::1, of a family that this pod does not have; no sensor is known yet; trying on',
    )
  })

  it('given no resolver, then the system resolves the name', async () => {
    // getaddrinfo(3) reads this as inet_aton(3) does, without /etc/hosts or a server: a bare machine has neither.
    begin({ kind: 'host', host: '127.1' }, [4])
    await until(() => targets[0]?.address === '127.0.0.1')
  })

  it('when it is stopped during a look-up, then hands nothing over', async () => {
    const { promise, resolve } = Promise.withResolvers<{ address: string }[]>()
    begin({ kind: 'host', host: 'sensor.example' }, [4], () => promise)
    discovery.stop()
    resolve([{ address: '192.0.2.1' }])
    await pause(60)
    expect(handed).toEqual([])
  })
})
