import { describe, expect, it } from 'vitest'
import { eligibleTargets } from '../../../../sidecar/target/choose.ts'
import { familiesOf } from '../../../../sidecar/target/families.ts'
import { view } from './pods.ts'

const linkLocal = 'fe80::1c2d:3eff:fe4f:5a6b'
const addressFor = (own: readonly string[], sensor: readonly string[]): string | undefined =>
  eligibleTargets([view('sensor', { addresses: [...sensor] })], {
    nodeName: '',
    zone: '',
    families: familiesOf(own),
    ownAddresses: new Set(own),
  })[0]?.address

describe('the address of a sensor that has IPv4 and IPv6', () => {
  it.each([
    ['IPv4 only', ['10.0.0.2', linkLocal], '10.0.0.1'],
    ['IPv6 only', ['fd00::2', linkLocal], 'fd00::1'],
    ['both', ['10.0.0.2', 'fd00::2', linkLocal], '10.0.0.1'],
    ['no address yet', [linkLocal], undefined],
  ])('given a tapped pod with %s, then is one that this pod can reach', (_, own, chosen) => {
    expect(addressFor(own, ['10.0.0.1', 'fd00::1'])).toBe(chosen)
  })

  it("given a cluster whose primary family is IPv6 and a pod with both, then is the sensor's primary one", () => {
    expect(addressFor(['fd00::2', '10.0.0.2'], ['fd00::1', '10.0.0.1'])).toBe('fd00::1')
  })

  it.each([
    ['IPv4', ['fd00::2', linkLocal], ['10.0.0.1']],
    ['IPv6', ['10.0.0.2', linkLocal], ['fd00::1']],
  ])('given a sensor with %s alone, which this pod has not, then there is none', (_, own, sensor) => {
    expect(addressFor(own, sensor)).toBeUndefined()
  })
})
