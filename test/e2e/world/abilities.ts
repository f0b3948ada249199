/** What the cluster's release of Kubernetes can do; scenarios that depend on it say what holds with it and without. */

const minor = Number((process.env['K8S_VERSION'] ?? '').split('.')[1] ?? Number.NaN)

/** Restartable init containers, on by default from 1.29 on. */
export const nativeSidecars = minor >= 29

/** Match conditions of webhooks, without a feature gate from 1.30 on: what finds pods by annotation. */
export const matchConditions = minor >= 30

/** MutatingAdmissionPolicy, served as v1 from 1.36 on. */
export const mutatingPolicies = minor >= 36

/** Address families of pods and Services, the primary first: scripts/cluster.sh says which. */
export const families: readonly (4 | 6)[] = (process.env['CLUSTER_FAMILIES'] ?? '')
  .split(',')
  .flatMap((family) => (family === '4' ? [4] : family === '6' ? [6] : []))

/** Why the cluster has no IPv6; '' where it has. */
export const withoutIpv6 = process.env['CLUSTER_WITHOUT_IPV6'] ?? ''
