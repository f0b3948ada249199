/** The configuration files of a node's programs. JSON is YAML; containerd wants TOML. */
import { joined, listenAddress, type NodeAddresses, type Plans, plans } from './addresses.ts'
import type { Credentials } from './credentials.ts'
import { pauseImage } from './image/names.ts'
import type { Release } from './versions.ts'

/** Where a node finds its things; the folders are the node's own. */
export interface NodePaths {
  readonly folder: string
  readonly socket: string
  readonly debian: string
}

export const containerdConfig = ({ socket, debian, folder }: NodePaths): string => `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  disable_apparmor = true
  # Root of a container or a small machine may lack CAP_SYS_RESOURCE, and with it the right to lower oom_score_adj.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${debian}/usr/lib/cni"
    conf_dir = "${folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "${debian}/usr/sbin/runc"
        SystemdCgroup = false
`

/** Pods reach each other with their own addresses: no masquerading, as Kubernetes demands of every network. */
export const cniConfig = ({ addresses }: NodeAddresses): object => ({
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: false,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        dataDir: '/var/lib/cni/ipam',
        ranges: addresses.map(({ podSubnet }) => [{ subnet: podSubnet }]),
        routes: addresses.map(({ family }) => ({ dst: plans[family].everywhere })),
      },
    },
  ],
})

export const kubeletConfig = (
  node: NodeAddresses,
  paths: NodePaths,
  credentials: Credentials,
  release: Release,
  controlGroup: string,
  networks: Plans,
): object => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  ...(release.failCgroupV1 ? { failCgroupV1: false } : {}),
  address: listenAddress(networks),
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${controlGroup}`,
  containerRuntimeEndpoint: `unix://${paths.socket}`,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: false },
    x509: { clientCAFile: credentials.file('ca.crt') },
  },
  authorization: { mode: 'AlwaysAllow' },
  tlsCertFile: credentials.file(`${node.name}.crt`),
  tlsPrivateKeyFile: credentials.file(`${node.name}.key`),
  clusterDomain: 'cluster.local',
  clusterDNS: [networks[0].dnsService],
  resolvConf: `${paths.folder}/resolv.conf`,
  failSwapOn: false,
  maxPods: 60,
  registryPullQPS: 0,
  eventRecordQPS: 0,
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  volumePluginDir: '/var/lib/kubelet/volume-plugins',
  nodeStatusUpdateFrequency: '5s',
  // How soon a changed ConfigMap is in the pods that mount it; a minute otherwise.
  syncFrequency: '10s',
})

export const kubeProxyConfig = (
  node: NodeAddresses,
  credentials: Credentials,
  release: Release,
  networks: Plans,
): object => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: release.proxyMode,
  clientConnection: { kubeconfig: credentials.file('kube-proxy.kubeconfig') },
  hostnameOverride: node.name,
  clusterCIDR: joined(networks, 'podNetwork'),
  bindAddress: networks[0].unspecified,
  // These are the machine's, not the network namespace's.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  bindAddressHardFail: false,
})
