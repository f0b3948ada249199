/** What the cluster's release of Kubernetes can do; scenarios that depend on it say what holds with it and without. */

const minor = Number((process.env['K8S_VERSION'] ?? '').split('.')[1] ?? Number.NaN)

/** Restartable init containers, on by default from 1.29 on. */
export const nativeSidecars = minor >= 29

/** Match conditions of webhooks, without a feature gate from 1.30 on: what finds pods by annotation. */
export const matchConditions = minor >= 30

/** MutatingAdmissionPolicy, served as v1 from 1.36 on. */
export const mutatingPolicies = minor >= 36
