/** `vxtap receive`: the flags of the small sensor. */
import { isIP } from 'node:net'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { exitCodes } from '../../contract/exit-codes.ts'
import { wholeNumber } from '../../contract/setting.ts'
import type { ReceiveOptions } from '../../receiver/options.ts'

/** What commander makes of the flags. */
interface Flags {
  address: string
  port: number
  vni?: number
  write?: string
  count?: number
  duration?: number
  interval: number
  top: number
  output: 'text' | 'json'
  json?: true
  strict?: true
  buffer: number
}

const maxSeconds = 2_000_000

export function register(program: Command): void {
  program
    .command('receive')
    .description('a small sensor: decapsulate VXLAN, check it strictly, show flows, write pcapng')
    .option('-p, --port <port>', 'UDP port to listen on (0 takes a free one)', whole(0, 65535), 4789)
    .option('-a, --address <address>', 'address to listen on; :: is IPv6 and IPv4', address, '::')
    .option('--vni <vni>', 'the VNI that every datagram must have, decimal or 0x-hex', whole(0, 0xff_ffff))
    .option('-w, --write <file>', 'write the inner frames to a pcapng file; - is standard output')
    .option('-c, --count <datagrams>', 'end after this many datagrams', whole(1, Number.MAX_SAFE_INTEGER))
    .option('-d, --duration <seconds>', 'end after this many seconds', seconds)
    .option('-i, --interval <seconds>', 'seconds between summary lines where there is no terminal', seconds, 5)
    .option('--top <flows>', 'how many flows to show', whole(0, 65536), 20)
    .addOption(
      new Option('-o, --output <format>', 'text, or json: one object at the end')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--json', 'the same as --output json')
    .option('--strict', 'exit with the number of faulty datagrams, at most 255')
    .option('--buffer <MiB>', 'receive buffer to ask the kernel for', whole(1, 1024), 64)
    .action(async (flags: Flags, command: Command) => {
      const options = toOptions(flags)
      if (options.json && options.write === '-') {
        command.error('error: --write - and --json both want standard output; write to a file instead', {
          exitCode: exitCodes.usage.code,
        })
      }
      const { main } = await import('../../receiver/main.ts')
      process.exitCode = await main(options)
    })
}

function toOptions(flags: Flags): ReceiveOptions {
  return {
    address: flags.address,
    port: flags.port,
    intervalSeconds: flags.interval,
    top: flags.top,
    json: flags.json === true || flags.output === 'json',
    strict: flags.strict === true,
    bufferBytes: flags.buffer * 1048576,
    ...(flags.vni === undefined ? {} : { vni: flags.vni }),
    ...(flags.write === undefined ? {} : { write: flags.write }),
    ...(flags.count === undefined ? {} : { count: flags.count }),
    ...(flags.duration === undefined ? {} : { durationSeconds: flags.duration }),
  }
}

function whole(min: number, max: number): (text: string) => number {
  const parse = wholeNumber(min, max)
  return (text) => {
    const parsed = parse(text)
    if (parsed.ok) return parsed.value
    throw new InvalidArgumentError(`It must be a whole number of ${min} to ${max}.`)
  }
}

function seconds(text: string): number {
  const value = Number(text)
  if (/^[0-9]*\.?[0-9]+$/.test(text) && value >= 0.01 && value <= maxSeconds) return value
  throw new InvalidArgumentError(`It must be a number of seconds of 0.01 to ${maxSeconds}.`)
}

function address(text: string): string {
  if (isIP(text) !== 0) return text
  throw new InvalidArgumentError(
    "It must be an IPv4 or IPv6 address of this machine, 0.0.0.0 or ::, not a host's name.",
  )
}
