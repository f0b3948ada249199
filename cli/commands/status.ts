import type { Command } from 'commander'
import { type ClusterFlags, commonOptions, runInCluster, withClusterFlags } from '../cluster-flags.ts'

interface Flags extends ClusterFlags {
  readonly allNamespaces?: true
  readonly failOnBlindSpots?: true
}

const help = `
TAP is "tapped"; "blind": the pod asks for a tap, nothing is against it, and it has none, because no injector answered when
it was created or because it was asked for afterwards; or "refused", for the reason in STATE. Sidecars are asked through
the API server (needs: get pods/proxy). Pods that do not ask for a tap, and those that have ended, are left out.

Examples:
  vxtap status -n shop
  vxtap status -A --fail-on-blind-spots
  vxtap status -A -o json | jq '.pods[] | select(.tap == "blind")'

Exit codes: 0 done, 2 blind spots or sidecars older than the injector (with --fail-on-blind-spots), 64 wrong command line,
69 no API server, 77 a right is missing, 78 wrong kubeconfig, 1 anything else.`

/** `vxtap status`: which pods that ask for a tap have one. */
export function register(program: Command): void {
  const command = program
    .command('status')
    .description(
      'list the pods that ask for a tap: tapped or not and why, sidecars that are old, lose frames or do not answer',
    )
    .option('-A, --all-namespaces', 'all namespaces')
    .option('--fail-on-blind-spots', 'exit with 2 where a pod that could be tapped is not, or by an old sidecar')
  withClusterFlags(command)
    .addHelpText('after', help)
    .action(async (flags: Flags) => {
      const { status } = await import('../../status/status.ts')
      const { allNamespaces, failOnBlindSpots } = flags
      await runInCluster('status', flags, (connection, output) =>
        status(
          {
            ...commonOptions(flags),
            allNamespaces: allNamespaces === true,
            failOnBlindSpots: failOnBlindSpots === true,
          },
          connection,
          output,
        ),
      )
    })
}
