/** The cluster's addresses: all of them exist only in its own network namespaces. IPv6 is unique local (RFC 4193). */

export type Family = 4 | 6

/** What one address family has. */
export interface FamilyPlan {
  readonly family: Family
  /** The control plane's machine, and everybody's default gateway. */
  readonly controlPlane: string
  readonly nodeSubnetBits: number
  readonly podNetwork: string
  readonly serviceNetwork: string
  /** The first of the service network: the service `kubernetes`. */
  readonly apiService: string
  readonly dnsService: string
  /** Loopback, and every address of the machine, as programs are told to listen. */
  readonly loopback: string
  readonly unspecified: string
  readonly everywhere: string
}

export const plans: Readonly<Record<Family, FamilyPlan>> = {
  4: {
    family: 4,
    controlPlane: '10.201.0.1',
    nodeSubnetBits: 24,
    podNetwork: '10.202.0.0/16',
    serviceNetwork: '10.203.0.0/16',
    apiService: '10.203.0.1',
    dnsService: '10.203.0.10',
    loopback: '127.0.0.1',
    unspecified: '0.0.0.0',
    everywhere: '0.0.0.0/0',
  },
  6: {
    family: 6,
    controlPlane: 'fd76:7874:6170:1::1',
    nodeSubnetBits: 64,
    podNetwork: 'fd76:7874:6170:200::/56',
    serviceNetwork: 'fd76:7874:6170:3::/112',
    apiService: 'fd76:7874:6170:3::1',
    dnsService: 'fd76:7874:6170:3::a',
    loopback: '::1',
    unspecified: '::',
    everywhere: '::/0',
  },
}

export const apiPort = 6443

/** The primary family's plan first. */
export type Plans = readonly [primary: FamilyPlan, ...others: FamilyPlan[]]

export interface NodeAddress {
  readonly family: Family
  readonly address: string
  readonly podSubnet: string
}

export interface NodeAddresses {
  readonly name: string
  /** One of each family, the primary first. */
  readonly addresses: readonly [primary: NodeAddress, ...others: NodeAddress[]]
}

/** @param index from 1 to 9 */
export function nodeAddresses(index: number, [primary, ...others]: Plans): NodeAddresses {
  const addressOf = ({ family }: FamilyPlan): NodeAddress =>
    family === 4
      ? { family, address: `10.201.0.${10 + index}`, podSubnet: `10.202.${index}.0/24` }
      : { family, address: `fd76:7874:6170:1::1${index}`, podSubnet: `fd76:7874:6170:20${index}::/64` }
  return { name: `node${index}`, addresses: [addressOf(primary), ...others.map(addressOf)] }
}

/** As programs take it that know both families: one value for each, the primary's first. */
export const joined = (networks: Plans, key: 'podNetwork' | 'serviceNetwork'): string =>
  networks.map((plan) => plan[key]).join(',')

/** Listening on every address: `::` takes IPv4 as well. */
export const listenAddress = (networks: Plans): string =>
  plans[networks.some(({ family }) => family === 6) ? 6 : 4].unspecified

/** The host part of a URL. */
export const urlHost = (address: string): string => (address.includes(':') ? `[${address}]` : address)
