/**
 * What the cluster is and can do, from the environment, where whoever started the suite has put it: test/cluster/main.ts
 * for a cluster of its own, test/e2e/current-cluster.ts for one at hand. Scenarios that depend on it say what holds with
 * it and without.
 */
import { describe, it } from 'vitest'
import { nodeProcesses, nodes } from './nodes.ts'

const { env } = process

const minor = Number((env['K8S_VERSION'] ?? '').split('.')[1] ?? Number.NaN)

/** Restartable init containers, on by default from 1.29 on. */
export const nativeSidecars = minor >= 29

/** Match conditions of webhooks, without a feature gate from 1.30 on: what finds pods by annotation. */
export const matchConditions = minor >= 30

/** MutatingAdmissionPolicy, served as v1 from 1.36 on. */
export const mutatingPolicies = minor >= 36

/** Address families of pods and Services, the primary first: scripts/cluster.sh says which. */
export const families: readonly (4 | 6)[] = (env['CLUSTER_FAMILIES'] ?? '')
  .split(',')
  .flatMap((family) => (family === '4' ? [4] : family === '6' ? [6] : []))

/** Why the cluster has no IPv6; '' where it has. */
export const withoutIpv6 = env['CLUSTER_WITHOUT_IPV6'] ?? ''

export const apiServerPidFile = env['API_SERVER_PID_FILE'] ?? ''

/** What not every cluster offers. */
export interface Requirement {
  readonly met: boolean
  /** Ends the sentence "does not apply: it ...". */
  readonly why: string
}

export const nodeAccess: Requirement = {
  met: nodeProcesses.size > 0,
  why: "needs to enter the nodes, which only the suite's own cluster allows",
}

export const apiServerProcess: Requirement = {
  met: apiServerPidFile !== '',
  why: "needs to kill the API server, which only the suite's own cluster allows",
}

/** PEM file of the authority of the client certificate that the API server shows to webhooks; '' where it shows none. */
export const webhookClientAuthority = env['WEBHOOK_CLIENT_CA'] ?? ''
export const webhookClientName = env['WEBHOOK_CLIENT_NAME'] ?? ''

export const webhookClient: Requirement = {
  met: webhookClientAuthority !== '',
  why: "needs an API server that shows webhooks a client certificate, as the suite's own does",
}

export const twoNodes: Requirement = { met: nodes.length >= 2, why: 'needs two nodes' }

/** describe(), where the cluster has what it needs; where not, the table of results says what was missing. */
export function describeWhere(requirement: Requirement, name: string, body: () => void): void {
  if (requirement.met) describe(name, body)
  else describe(name, () => it('does not apply here', ({ skip }) => skip(requirement.why)))
}

/** it(), likewise. */
export function itWhere(requirement: Requirement, name: string, body: () => Promise<void> | void): void {
  it(name, ({ skip }) => (requirement.met ? body() : skip(requirement.why)))
}
