import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { exitCodes } from '../../contract/exit-codes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** After a Ctrl-C the demonstration says goodbye by itself; milliseconds. */
const ownWayOutMs = 1000

/** `vxtap demo`: the whole product on this machine, inside a sandbox that leaves nothing behind. */
export function register(program: Command): void {
  program
    .command('demo')
    .description('run the whole product on this machine: real packets, no Kubernetes needed')
    .option('--pcap <file>', 'replay this capture file through the tapped pod and compare (pcap or pcapng, Ethernet)')
    .option('--keep <directory>', 'copy the captures of the wire and of the sensors there')
    .action(async (flags: { pcap?: string; keep?: string }) => {
      process.exitCode = process.env['VXTAP_SANDBOX'] === '1' ? await run(flags) : await inSandbox()
    })
}

async function run(flags: { pcap?: string; keep?: string }): Promise<number> {
  const { main } = await import('../../demo/main.ts')
  try {
    return await main({ pcap: flags.pcap, keep: flags.keep === undefined ? undefined : resolve(flags.keep) })
  } catch (error) {
    process.stderr.write(`vxtap demo: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(exitCodes.failure.code)
  }
}

/** The same command again, in network, mount and process namespaces of its own. */
function inSandbox(): Promise<number> {
  const argv = [
    'sh',
    resolve(root, 'scripts/sandbox.sh'),
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ]
  const child = spawn(argv[0]!, argv.slice(1), { stdio: 'inherit' })
  // A terminal's Ctrl-C reaches the sandbox by itself. What is sent to this process alone is not handed on, because
  // unshare(1) blocks it: the sandbox is killed, and everything in it with it.
  const kill = () => child.kill('SIGKILL')
  process.on('SIGINT', () => setTimeout(kill, ownWayOutMs).unref())
  process.on('SIGTERM', kill)
  process.on('SIGHUP', kill)
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('exit', (code) => done(code ?? exitCodes.failure.code))
  })
}
