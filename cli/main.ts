/**
 * The command line: `vxtap COMMAND`. Each command is loaded only when it is called, because the sidecar's resident
 * memory is paid in every tapped pod.
 */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { exitCodes } from '../contract/exit-codes.ts'
import { register as registerReceive } from './commands/receive.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const program = new Command('vxtap')
  .description('Lets a network sensor see what goes in and out of a Kubernetes pod.')
  .version(version)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitCodes.usage.code))

program
  .command('sidecar')
  .description("mirror this pod's packets to the sensor (runs in the injected container; configured by environment)")
  .action(async () => (await import('../sidecar/main.ts')).main())

registerReceive(program)

await program.parseAsync()
