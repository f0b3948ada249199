/**
 * Definitions of the custom resources that the chart can make, as their own projects publish them, so that the API
 * server judges those resources too. Their controllers do not run.
 */
import { copyFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { run } from '../../../lab/network/command.ts'
import { cached } from '../../cluster/programs/cache.ts'

const sources = [
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    files: ['podmonitors', 'servicemonitors', 'prometheusrules'].map(
      (kind) => `example/prometheus-operator-crd/monitoring.coreos.com_${kind}.yaml`,
    ),
  },
  {
    module: 'github.com/cert-manager/cert-manager',
    version: 'v1.21.2',
    files: ['certificates', 'issuers'].map((kind) => `deploy/crds/cert-manager.io_${kind}.yaml`),
  },
] as const

/** Their files; the go command fetches and verifies them the first time. */
export async function definitionFiles(): Promise<string[]> {
  const name = sources.map(({ module, version }) => `${basename(module)}-${version}`).join('-')
  const folder = await cached(`definitions-${name}`, async (made) => {
    for (const { module, version, files } of sources) {
      const answer = await run(['go', 'mod', 'download', '-json', `${module}@${version}`], { timeoutMs: 300_000 })
      const { Dir } = JSON.parse(answer) as { Dir: string }
      for (const file of files) copyFileSync(join(Dir, file), join(made, basename(file)))
    }
  })
  return sources.flatMap(({ files }) => files.map((file) => join(folder, basename(file))))
}

/** `cert-manager.io_issuers.yaml` defines issuers.cert-manager.io. */
export function definitionName(file: string): string {
  const [group = '', kind = ''] = basename(file, '.yaml').split('_')
  return `${kind}.${group}`
}
