import type { Command } from 'commander'
import { version } from '../../contract/version.ts'

/** `vxtap injector`: the admission webhook. */
export function register(program: Command): void {
  program
    .command('injector')
    .description(
      'serve the admission webhook that adds the sidecar to pods (runs in the cluster; configured by environment)',
    )
    .option('--no-cluster', 'do not watch namespaces and nodes: namespace labels and kubelet versions stay unknown')
    .action(async (options: { cluster: boolean }) => {
      const { main } = await import('../../injector/main.ts')
      await main({ version, cluster: options.cluster })
    })
}
