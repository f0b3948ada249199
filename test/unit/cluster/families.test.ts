import { describe, expect, it } from 'vitest'
import { joined, listenAddress, nodeAddresses, plans, urlHost } from '../../cluster/addresses.ts'
import { chooseFamilies } from '../../cluster/families.ts'

const lacking = 'the kernel has no IPv6'

describe("the cluster's address families", () => {
  it.each([
    ['', [4, 6]],
    ['4,6', [4, 6]],
    ['6,4', [6, 4]],
    ['6', [6]],
    ['4', [4]],
  ])('given IP_FAMILIES "%s", are %j', (wanted, families) => {
    expect(chooseFamilies(wanted, undefined).plans.map(({ family }) => family)).toEqual(families)
  })

  it('given a kernel without IPv6 and no wish, are IPv4 alone, with the reason', () => {
    expect(chooseFamilies('', lacking)).toEqual({ plans: [plans[4]], without: lacking })
  })

  it.each(['6', '6,4', '4,6'])('given a kernel without IPv6 and the wish for %s, are refused', (wanted) => {
    expect(() => chooseFamilies(wanted, lacking)).toThrow(
      `IP_FAMILIES is "${wanted}", but ${lacking}: only 4 is possible`,
    )
  })

  it('given the wish for IPv4 alone, have a reason for the scenarios that need IPv6', () => {
    expect(chooseFamilies('4', undefined).without).toMatch(/IP_FAMILIES=4/)
    expect(chooseFamilies('4,6', undefined).without).toBeUndefined()
  })

  it('given an unknown wish, name what is allowed', () => {
    expect(() => chooseFamilies('ipv6', undefined)).toThrow('IP_FAMILIES is "ipv6": it must be one of 4,6 6,4 4 6')
  })

  it('order the addresses of nodes and networks: the primary first', () => {
    const { plans: networks } = chooseFamilies('6,4', undefined)
    expect(nodeAddresses(2, networks).addresses.map(({ address }) => address)).toEqual([
      'fd76:7874:6170:1::12',
      '10.201.0.12',
    ])
    expect(joined(networks, 'serviceNetwork')).toBe('fd76:7874:6170:3::/112,10.203.0.0/16')
    expect([listenAddress(networks), listenAddress([plans[4]])]).toEqual(['::', '0.0.0.0'])
    expect([urlHost('fd00::1'), urlHost('10.0.0.1')]).toEqual(['[fd00::1]', '10.0.0.1'])
  })
})
