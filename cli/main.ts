/**
 * The command line: `vxtap COMMAND`. Each command's program is loaded only when it is called, because the sidecar's
 * resident memory is paid in every tapped pod.
 */
import { Command } from 'commander'
import { exitCodes } from '../contract/exit-codes.ts'
import { version } from '../contract/version.ts'
import { register as registerDemo } from './commands/demo.ts'
import { register as registerInject } from './commands/inject.ts'
import { register as registerInjector } from './commands/injector.ts'
import { register as registerPrepareSensor } from './commands/prepare-sensor.ts'
import { register as registerReceive } from './commands/receive.ts'
import { register as registerSidecar } from './commands/sidecar.ts'
import { register as registerStatus } from './commands/status.ts'
import { register as registerWhy } from './commands/why.ts'

const program = new Command('vxtap')
  .description('Lets a network sensor see what goes in and out of a Kubernetes pod.')
  .version(version)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code))

registerSidecar(program)
registerInjector(program)
registerInject(program)
registerStatus(program)
registerWhy(program)
registerReceive(program)
registerPrepareSensor(program)
registerDemo(program)

await program.parseAsync()
