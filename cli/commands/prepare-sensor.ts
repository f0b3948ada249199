/** `vxtap prepare-sensor`: an init container's program, in the pod of a sensor that captures packets. */
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'

interface Flags {
  interface: string
  undo?: true
}

const help = `
With it on the sensor's eth0, the node cuts datagrams that sidecars hand over merged (UDP_SEGMENT) before they reach the
sensor's pod, so that a sensor that captures packets may have the annotation vxtap.io/gso: xdp. A sensor that reads a UDP
socket needs none of this. It takes NET_ADMIN and BPF (SYS_ADMIN before Linux 5.8), in the sensor's pod alone. A second
run changes nothing; somebody else's XDP program is never replaced.

Exit codes: 0 done, 69 not possible on this interface or kernel, 73 another XDP program is there, 77 a privilege is
missing, 71 the kernel refused, 64 wrong command line.`

export function register(program: Command): void {
  program
    .command('prepare-sensor')
    .description(
      "let the node cut merged datagrams for a sensor that captures packets (init container of the sensor's pod)",
    )
    .option('-i, --interface <name>', "the sensor pod's interface", interfaceName, 'eth0')
    .option('--undo', 'take back what an earlier run did')
    .addHelpText('after', help)
    .action(async (flags: Flags) => {
      const { main } = await import('../../prepare/main.ts')
      process.exitCode = main({ interface: flags.interface, undo: flags.undo === true })
    })
}

/** What dev_valid_name() in net/core/dev.c lets an interface be called. */
function interfaceName(text: string): string {
  if (/^[^\s/:]{1,15}$/.test(text) && text !== '.' && text !== '..') return text
  throw new InvalidArgumentError('It must be the name of a network interface: at most 15 characters, no blank, / or :.')
}
