import type { Command } from 'commander'
import { type ClusterFlags, commonOptions, runInCluster, withClusterFlags } from '../cluster-flags.ts'

const help = `
What is asked about is KIND/NAME, KIND NAME, or the NAME of a pod. Of anything that owns pods, each pod is explained;
where it has none, its template is. The decision is the webhook's own, made again on what is in the cluster now: the
pod, its namespace, the kubelets' versions, and the injector's settings as its Deployment has them.

Examples:
  vxtap why pod/web-7d4b9c-x2x4l -n shop
  vxtap why deployment/web -n shop -o json

Exit codes: 0 explained, 1 not found, 64 wrong command line, 69 no API server, 77 a right is missing, 78 wrong kubeconfig.`

/** `vxtap why`: why a pod is tapped or not. */
export function register(program: Command): void {
  const command = program
    .command('why')
    .description('say why a pod is tapped or not, what to do about it, and how its sidecar is')
    .argument('<what...>', 'pod/NAME, deployment/NAME, or any other kind that owns pods')
  withClusterFlags(command)
    .addHelpText('after', help)
    .action(async (subject: string[], flags: ClusterFlags) => {
      const { why } = await import('../../status/why.ts')
      await runInCluster('why', flags, (connection, output) =>
        why({ ...commonOptions(flags), subject }, connection, output),
      )
    })
}
