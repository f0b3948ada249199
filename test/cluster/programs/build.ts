/**
 * Brings every program of the cluster: Kubernetes, etcd, CoreDNS and Helm from their Go modules, containerd, runc and
 * the CNI plugins from Debian's packages, which are unpacked into the cache and not installed. Minutes the first time,
 * nothing afterwards. Usage: node test/cluster/programs/build.ts [RELEASE]
 */
import { pathToFileURL } from 'node:url'
import { coredns, defaultRelease, etcd, helm, type Release, releaseOf } from '../versions.ts'
import { cached } from './cache.ts'
import { unpackDebian } from './debian.ts'
import { buildGo } from './go.ts'

export interface Programs {
  /** kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl */
  readonly kubernetes: string
  readonly etcd: string
  readonly helm: string
  readonly coredns: string
  /** Root of the unpacked packages: usr/bin/containerd, usr/sbin/runc, usr/lib/cni. */
  readonly debian: string
}

const kubernetesPrograms = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
]

export async function bringPrograms(release: Release): Promise<Programs> {
  return {
    kubernetes: await cached(`k8s-${release.kubernetes}`, (folder) => buildKubernetes(release, folder)),
    etcd: await one('etcd', etcd, 'go.etcd.io/etcd/server/v3', 'go.etcd.io/etcd/server/v3'),
    helm: await bringHelm(),
    coredns: await one('coredns', coredns, 'github.com/coredns/coredns', 'github.com/coredns/coredns'),
    debian: await cached('debian-containerd', unpackDebian),
  }
}

/** Helm alone: what linting and rendering the chart need. */
export const bringHelm = (): Promise<string> =>
  one('helm', helm, 'helm.sh/helm/v3', 'helm.sh/helm/v3/cmd/helm', helmVariables)

async function buildKubernetes(release: Release, folder: string): Promise<void> {
  const [major = '', minor = ''] = release.kubernetes.split('.')
  for (const program of kubernetesPrograms) {
    await buildGo(
      {
        module: 'k8s.io/kubernetes',
        version: `v${release.kubernetes}`,
        packagePath: `k8s.io/kubernetes/cmd/${program}`,
        program,
        toolchain: release.goToolchain,
        // Without these they say that they are v0.0.0, and the API server refuses to compare versions.
        variables: {
          'k8s.io/component-base/version.gitVersion': `v${release.kubernetes}`,
          'k8s.io/component-base/version.gitMajor': major,
          'k8s.io/component-base/version.gitMinor': minor,
        },
      },
      folder,
    )
  }
}

/** As Helm's own Makefile sets them: otherwise it takes charts for Kubernetes 1.20 where it has no cluster to ask. */
const helmVariables = {
  'helm.sh/helm/v3/internal/version.version': `v${helm}`,
  'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': '1',
  'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': '36',
  'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': '1',
  'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': '36',
}

const one = (
  program: string,
  version: string,
  module: string,
  packagePath: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> =>
  cached(`${program}-${version}`, (folder) =>
    buildGo({ module, version: `v${version}`, packagePath, program, variables }, folder),
  )

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await bringPrograms(releaseOf(process.argv[2] ?? defaultRelease))
}
