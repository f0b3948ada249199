import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chart, valuesFiles } from '../chart/rendered.ts'
import { mutatingPolicies } from './world/abilities.ts'
import { definitionFiles, definitionName } from './world/definitions.ts'
import { eventually, kubectl, kubectlWithWarnings } from './world/kubectl.ts'
import { helm } from './world/release.ts'

const release = 'matrix'
/** The release's, and those that it makes for its tests, which a dry run leaves unmade. */
const namespaces = ['matrix', 'matrix-vxtap-test', 'tap-test']
const definitions = ['certificates', 'issuers', 'podmonitors', 'servicemonitors', 'prometheusrules']

describe('given an API server that also knows the resources of cert-manager and of the Prometheus operator', () => {
  let files: readonly string[]

  beforeAll(async () => {
    // Deleting one that the cluster has already would delete what is of that kind.
    const there = await kubectl(['get', 'customresourcedefinitions', '-o', 'name'])
    const missing = (await definitionFiles()).filter((file) => !there.includes(`/${definitionName(file)}\n`))
    files = missing.flatMap((file) => ['-f', file])
    // Kubernetes 1.28 does not know every field that they use; none of those says what a resource may hold.
    if (files.length > 0) await kubectl(['create', '--validate=ignore', ...files])
    for (const name of namespaces) {
      await kubectl(['create', 'namespace', name])
      // A pod is refused where its account is missing, in a dry run too.
      await kubectl(['-n', name, 'create', 'serviceaccount', 'vxtap-test'])
    }
    await eventually('it serves them', async () => {
      const served = await kubectl(['api-resources', '-o', 'name'])
      return definitions.every((name) => served.includes(`${name}.`))
    })
  })
  afterAll(async () => {
    if (files.length > 0) await kubectl(['delete', '--wait=false', '--ignore-not-found', ...files])
    await kubectl(['delete', 'namespace', '--wait=false', ...namespaces])
  })

  // What a cluster cannot have helm refuses with a reason; a-policy-of-the-api-server-... holds it to that.
  const possible = valuesFiles.filter(({ file }) => mutatingPolicies || file !== 'policy-values.yaml')
  it.each(possible)('when the chart is rendered with $file, then it takes every object, strictly', async ({ path }) => {
    const rendered = await helm('template', release, chart, '--namespace', release, '--values', path, '--validate')
    const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-']
    const said = await kubectlWithWarnings(dryRun, rendered)
    const objects = rendered.match(/^kind: /gm)?.length ?? 0
    expect(said.match(/ serverside-applied \(server dry run\)$/gm)?.length, said).toBe(objects)
    // Warnings are what the API server thinks of deprecated fields, and Pod Security of pods.
    expect(said).not.toMatch(/^Warning: /m)
  })
})
