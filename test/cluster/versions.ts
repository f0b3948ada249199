/** Every version that the real cluster is made of. A new release of Kubernetes is one more entry here. */

export interface Release {
  /** Of k8s.io/kubernetes; its staging modules have the same numbers with a leading 0. */
  readonly kubernetes: string
  /** GOTOOLCHAIN: `auto` takes the one at hand where it is new enough. */
  readonly goToolchain: string
  /** kube-proxy's mode: nftables is known to it from 1.29 on. */
  readonly proxyMode: 'nftables' | 'iptables'
  /** Whether the kubelet knows failCgroupV1, without which 1.35 and later refuse cgroup v1. */
  readonly failCgroupV1: boolean
  /** Whether sidecars are native (restartable init containers, on by default from 1.29 on). */
  readonly nativeSidecars: boolean
}

export const releases: ReadonlyMap<string, Release> = new Map([
  [
    '1.36',
    { kubernetes: '1.36.4', goToolchain: 'auto', proxyMode: 'nftables', failCgroupV1: true, nativeSidecars: true },
  ],
  [
    '1.28',
    {
      kubernetes: '1.28.15',
      goToolchain: 'go1.22.12',
      proxyMode: 'iptables',
      failCgroupV1: false,
      nativeSidecars: false,
    },
  ],
])

export const defaultRelease = '1.36'
export const etcd = '3.6.13'
export const helm = '3.21.4'
/** Fetched where the machine's own go is older than 1.21 (Debian 12 has 1.19). */
export const bootstrapGo = '1.26.8'
export const coredns = '1.14.2'

/** @throws Error that names the releases there are */
export function releaseOf(name: string): Release {
  const release = releases.get(name)
  if (release === undefined) {
    throw new Error(
      `K8S is "${name}": the releases that the cluster is made for are ${[...releases.keys()].join(', ')}`,
    )
  }
  return release
}
