/** The flags that choose a cluster, and how a command that asks one ends. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { exitCodes } from '../contract/exit-codes.ts'
import { version } from '../contract/version.ts'
import type { Connection } from '../status/connect.ts'
import type { CommonOptions, Output } from '../status/options.ts'

export interface ClusterFlags {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly injectorNamespace?: string
  readonly output: 'text' | 'json'
  readonly health: boolean
  readonly timeout: number
}

export function withClusterFlags(command: Command): Command {
  return command
    .option('-n, --namespace <name>', "the namespace; the kubeconfig's where it is not given")
    .option('--context <name>', 'the context of the kubeconfig')
    .option('--kubeconfig <file>', 'the kubeconfig; KUBECONFIG, then ~/.kube/config, where it is not given')
    .option('--injector-namespace <name>', 'where the injector is, for those who may not look everywhere')
    .option('--no-health', 'do not ask the sidecars how they are')
    .option('--timeout <seconds>', 'seconds that a sidecar has to answer', seconds, 3)
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'))
}

export const commonOptions = (flags: ClusterFlags): CommonOptions => ({
  version,
  namespace: flags.namespace,
  injectorNamespace: flags.injectorNamespace,
  output: flags.output,
  health: flags.health,
  timeoutMs: flags.timeout * 1000,
})

/** Connects, runs, prints. What goes wrong is a sentence on standard error and an exit code. */
export async function runInCluster(
  name: string,
  flags: ClusterFlags,
  run: (connection: Connection, output: Output) => Promise<number>,
): Promise<void> {
  process.stdout.once('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? exitCodes.ok.code : exitCodes.failure.code),
  )
  const [{ connect }, { Problem }] = await Promise.all([import('../status/connect.ts'), import('../status/problem.ts')])
  const colours = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
  let connection: Connection | undefined
  try {
    const { kubeconfig, context } = flags
    connection = connect({
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    })
    process.exitCode = await run(connection, { write: (text) => process.stdout.write(text), colours })
  } catch (error) {
    process.stderr.write(`vxtap ${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof Problem ? error.exitCode : exitCodes.failure.code
  } finally {
    connection?.rest.close()
  }
}

function seconds(text: string): number {
  const value = Number(text)
  if (/^[0-9]*\.?[0-9]+$/.test(text) && value >= 0.1 && value <= 300) return value
  throw new InvalidArgumentError('It must be a number of seconds of 0.1 to 300.')
}
