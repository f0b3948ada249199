/** The cluster's addresses: all of them exist only in its own network namespaces. */

/** The control plane's machine, and everybody's default gateway. */
export const controlPlaneAddress = '10.201.0.1'
export const nodeSubnetBits = 24
export const podNetwork = '10.202.0.0/16'
export const serviceNetwork = '10.203.0.0/16'
/** The first of the service network: the service `kubernetes`. */
export const apiServiceAddress = '10.203.0.1'
export const dnsServiceAddress = '10.203.0.10'
export const apiPort = 6443

export interface NodeAddresses {
  readonly name: string
  readonly address: string
  readonly podSubnet: string
}

/** @param index from 1 */
export const nodeAddresses = (index: number): NodeAddresses => ({
  name: `node${index}`,
  address: `10.201.0.${10 + index}`,
  podSubnet: `10.202.${index}.0/24`,
})
