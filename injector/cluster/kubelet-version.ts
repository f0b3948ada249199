/** Native sidecars are on by default from Kubernetes 1.29 (KEP-753), and no kubelet is newer than its API server. */
const firstNativeMinor = 29

/** Whether a kubelet of this version (`v1.31.2`, `v1.30.4-gke.1`, `v1.29.0+k3s1`) runs native sidecars. */
export function hasNativeSidecars(kubeletVersion: string): boolean {
  const match = /^v?(?<major>[0-9]+)\.(?<minor>[0-9]+)/.exec(kubeletVersion)
  if (!match?.groups) return false
  const major = Number(match.groups['major'])
  return major > 1 || (major === 1 && Number(match.groups['minor']) >= firstNativeMinor)
}

/** Whether all of them do; unknown without any. */
export function nativeEverywhere(kubeletVersions: Iterable<string>): boolean | 'unknown' {
  const versions = [...kubeletVersions]
  return versions.length === 0 ? 'unknown' : versions.every(hasNativeSidecars)
}
