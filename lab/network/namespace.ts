/**
 * One named network namespace: what `ip netns add` makes, and the processes that run in it.
 *
 * Entering is left to nsenter(1) and not to `ip netns exec`, which would also remount /sys and so take a mount
 * namespace for every command.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { type RunOptions, run, searchPath } from './command.ts'

const killAfterMs = 2000

/** Duplicate address detection would hold every IPv6 address back for a second; router solicitations find nobody. */
const quietIpv6 = {
  'net/ipv6/conf/all/accept_dad': '0',
  'net/ipv6/conf/default/accept_dad': '0',
  'net/ipv6/conf/default/router_solicitations': '0',
}

export const forwarding = { 'net/ipv4/ip_forward': '1', 'net/ipv6/conf/all/forwarding': '1' }

/** A shell script that writes /proc/sys: names with slashes, below /proc/sys. */
function sysctlScript(values: Readonly<Record<string, string>>): string[] {
  const lines = Object.entries(values).map(([name, value]) => `echo ${value} >/proc/sys/${name}`)
  return ['sh', '-e', '-c', lines.join('\n')]
}

/** Makes the namespace that this process runs in, the sandbox's, a router without delays. */
export async function prepareSandbox(): Promise<void> {
  await run(sysctlScript({ ...quietIpv6, ...forwarding }))
}

export class NetworkNamespace {
  readonly name: string
  readonly #processes = new Set<ChildProcess>()

  private constructor(name: string) {
    this.name = name
  }

  static async create(name: string): Promise<NetworkNamespace> {
    await run(['ip', 'netns', 'add', name])
    const namespace = new NetworkNamespace(name)
    await namespace.sysctl(quietIpv6)
    await namespace.ip(['link set lo up'])
    return namespace
  }

  get path(): string {
    return `/run/netns/${this.name}`
  }

  /** `ip` commands, in one batch, without the leading `ip`. */
  async ip(lines: readonly string[]): Promise<void> {
    await run(['ip', '-n', this.name, '-batch', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 60_000 })
  }

  async sysctl(values: Readonly<Record<string, string>>): Promise<void> {
    await this.exec(sysctlScript(values))
  }

  /** Runs a program here to its end and gives its standard output. */
  exec(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return run(['nsenter', `--net=${this.path}`, '--', ...argv], options)
  }

  /**
   * Starts a program here. It keeps running until it ends or `remove` kills it; nsenter replaces itself by the program,
   * so that signals and the exit code are the program's own.
   */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const env = { ...(options.env ?? process.env), PATH: searchPath }
    const child = spawn('nsenter', [`--net=${this.path}`, '--', ...argv], { stdio: 'pipe', ...options, env })
    this.#processes.add(child)
    child.once('exit', () => this.#processes.delete(child))
    child.on('error', () => this.#processes.delete(child))
    return child
  }

  /** Ends what `spawn` started (SIGTERM, then SIGKILL) and removes the namespace with its interfaces. */
  async remove(): Promise<void> {
    await Promise.all([...this.#processes].map(end))
    // What these have left behind: without it the namespace would live on without a name.
    for (const pid of (await run(['ip', 'netns', 'pids', this.name])).split('\n').filter(Boolean)) kill(Number(pid))
    await run(['ip', 'netns', 'delete', this.name])
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself in the meantime.
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  await gone
  clearTimeout(timer)
}
