/** A namespace for each scenario, gone after it. */
import { afterAll, beforeAll } from 'vitest'
import { apply, eventually, kubectl } from './kubectl.ts'
import type { SuiteNamespace } from './namespaces.ts'
import { release } from './release.ts'

/**
 * Makes the namespace, whose taps look for `run: sensor` in the first of `sensorsIn`, before the scenario's file and deletes it afterwards.
 * @param sensorsIn the namespaces that its pods may look for sensors in
 */
export function useNamespace(
  name: SuiteNamespace,
  metadata: { readonly labels?: object; readonly annotations?: object } = {},
  sensorsIn: readonly SuiteNamespace[] = [name],
): SuiteNamespace {
  const annotations = {
    'vxtap.io/sensor': 'sensor',
    'vxtap.io/sensor-namespace': sensorsIn[0] ?? name,
    ...metadata.annotations,
  }
  beforeAll(async () => {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...metadata, annotations } })
    for (const place of sensorsIn) await apply(...sensorAccess(place, name))
    // A pod that comes before its service account is refused.
    await eventually(`${name} has a default service account`, async () => {
      return (await kubectl(['-n', name, 'get', 'serviceaccount', '-o', 'name'])).includes('default')
    })
  })
  afterAll(async () => {
    await kubectl(['delete', 'namespace', name, '--wait=false'])
  })
  return name
}

/** What the chart's value sensorAccess makes, for one pair of namespaces. */
export function sensorAccess(place: string, forNamespace: string): readonly object[] {
  const metadata = { name: `${release}-find-sensor-for-${forNamespace}`, namespace: place }
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata,
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [
        { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: `system:serviceaccounts:${forNamespace}` },
      ],
    },
  ]
}
