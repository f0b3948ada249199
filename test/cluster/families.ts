/**
 * Which address families the cluster gets: both, IPv4 first, unless IP_FAMILIES says otherwise; IPv4 alone, loudly, on a
 * machine whose kernel cannot do the other.
 */
import { existsSync } from 'node:fs'
import { run } from '../../lab/network/command.ts'
import { type Plans, plans } from './addresses.ts'
import type { Release } from './versions.ts'

const choices: ReadonlyMap<string, Plans> = new Map([
  ['4,6', [plans[4], plans[6]]],
  ['6,4', [plans[6], plans[4]]],
  ['4', [plans[4]]],
  ['6', [plans[6]]],
])

export type Families =
  | { readonly plans: Plans; readonly without?: undefined }
  /** Why there is no IPv6, for people. */
  | { readonly plans: Plans; readonly without: string }

/**
 * @param wanted IP_FAMILIES, '' where it is not set
 * @param missing why this machine has no IPv6; undefined where it has
 * @throws Error where what was asked for is not there, or is not known
 */
export function chooseFamilies(wanted: string, missing: string | undefined): Families {
  const chosen = choices.get(wanted || '4,6')
  if (chosen === undefined) {
    throw new Error(
      `IP_FAMILIES is "${wanted}": it must be one of ${[...choices.keys()].join(' ')} (the primary first)`,
    )
  }
  if (wanted === '4') return { plans: chosen, without: 'IP_FAMILIES=4 asks for IPv4 alone' }
  if (missing === undefined) return { plans: chosen }
  if (wanted !== '') throw new Error(`IP_FAMILIES is "${wanted}", but ${missing}: only 4 is possible here`)
  return { plans: [plans[4]], without: missing }
}

/** What the kernel of this machine lacks for nodes with IPv6; must run in the sandbox. */
export async function ipv6Missing({ proxyMode }: Pick<Release, 'proxyMode'>): Promise<string | undefined> {
  if (!existsSync('/proc/net/if_inet6')) return 'the kernel of this machine was started without IPv6 (ipv6.disable=1)'
  // What kube-proxy makes Services with.
  const probe =
    proxyMode === 'nftables'
      ? ['sh', '-ec', 'nft add table ip6 vxtap-probe; nft delete table ip6 vxtap-probe']
      : ['ip6tables', '-t', 'nat', '-L', '-n']
  return run(probe).then(
    () => undefined,
    (error: Error) => `kube-proxy cannot do IPv6 with ${proxyMode} here (${error.message})`,
  )
}
