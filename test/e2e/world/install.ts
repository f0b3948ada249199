/** Before all scenarios: the chart, as an operator installs it; after them it is removed, which must leave nothing. */
import { apply, rolledOut } from './kubectl.ts'
import { documented, helm, helmInstall, release, releaseNamespace } from './release.ts'

export async function setup(): Promise<void> {
  if (!process.env['KUBECONFIG']) throw new Error('no cluster: KUBECONFIG is not set; run make e2e')
  for (const name of [documented.sensors, documented.applications]) {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  await helmInstall()
  await rolledOut(releaseNamespace, `deployment/${release}`)
}

export async function teardown(): Promise<void> {
  await helm('uninstall', release, '--namespace', releaseNamespace)
}
