/** Scenarios about IPv6, and what holds of them on a cluster without. */
import { describe, expect, it } from 'vitest'
import { describeWhere, families, nodeAccess, withoutIpv6 } from './abilities.ts'
import { addressesOf, list } from './kubectl.ts'

/**
 * A scenario that needs IPv6. Where the cluster has none, it says so in the report and on standard error, and makes sure
 * that it really is so: pods with IPv6 on a cluster that claims to have none would be a scenario lost by mistake.
 */
export function describeIpv6(given: string, scenario: () => void): void {
  if (families.includes(6) || !nodeAccess.met) {
    describeWhere(nodeAccess, given, scenario)
    return
  }
  const loud = `IPv6 IS NOT TESTED HERE: ${withoutIpv6}`
  process.stderr.write(`\n*** ${loud}\n*** not proved: ${given}\n`)
  describe(loud, () => {
    it('then no pod of the cluster has an IPv6 address', async () => {
      const [dns] = await list('kube-system', 'pod', 'k8s-app=kube-dns')
      expect(addressesOf(dns!).filter((address) => address.includes(':'))).toEqual([])
      expect(withoutIpv6).not.toBe('')
    })
  })
}

/** Of one family alone, whatever the cluster has. */
export const ipv6Only = { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] } as const
