/** Before all scenarios: the chart, as an operator installs it; after them it is removed, which must leave nothing. */
import { apply, kubectl, rolledOut } from './kubectl.ts'
import { namespacesOfTheSuite } from './namespaces.ts'
import { documented, helm, helmInstall, release, releaseNamespace } from './release.ts'

export async function setup(): Promise<void> {
  if (!process.env['KUBECONFIG'] && !process.env['E2E_CONTEXT']) {
    throw new Error('no cluster: KUBECONFIG is not set; run make e2e')
  }
  for (const name of [documented.sensors, documented.applications]) {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  await helmInstall()
  await rolledOut(releaseNamespace, `deployment/${release}`, 90)
}

export async function teardown(): Promise<void> {
  await helm('uninstall', release, '--namespace', releaseNamespace)
  // The suite's own cluster goes with everything in it.
  if (process.env['E2E_CONTEXT']) {
    await kubectl(['delete', 'namespace', '--ignore-not-found', '--timeout=110s', ...namespacesOfTheSuite])
  }
}
