/** Programs that run as long as the cluster: started with a log file each, killed by the sandbox's end at the latest. */
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { searchPath } from '../../lab/network/command.ts'

export interface Daemon {
  readonly name: string
  readonly logFile: string
  readonly child: ChildProcess
}

export function startDaemon(
  name: string,
  argv: readonly string[],
  logFile: string,
  env: Readonly<Record<string, string>> = {},
): Daemon {
  const log = openSync(logFile, 'a')
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: searchPath, ...env },
    // A Ctrl-C is for the command that the cluster is there for; the cluster ends after it.
    detached: true,
  })
  // Said by `until`, which sees that it has ended.
  child.on('error', () => {})
  return { name, logFile, child }
}

/** Starts it again whenever it ends, as a kubelet does with the API server's static pod; its pid is in `pidFile`. */
export function startAgain(start: () => Daemon, pidFile: string): Daemon {
  const daemon = start()
  writeFileSync(pidFile, String(daemon.child.pid))
  daemon.child.once('exit', () => startAgain(start, pidFile))
  return daemon
}

/**
 * Asks until `done` says true.
 * @throws Error with the end of the log when the daemon ended or the time is up
 */
export async function until(what: string, daemon: Daemon, done: () => Promise<boolean>, seconds = 60): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  while (!(await done().catch(() => false))) {
    const why =
      daemon.child.exitCode !== null || daemon.child.signalCode !== null
        ? `${daemon.name} ended with ${daemon.child.exitCode ?? daemon.child.signalCode}`
        : Date.now() > deadline
          ? `not so after ${seconds} s`
          : undefined
    if (why !== undefined) throw new Error(`${what}: ${why}; the end of its log:\n${logEnd(daemon.logFile)}`)
    await sleep(100)
  }
}

export const logEnd = (file: string): string => readFileSync(file, 'utf8').split('\n').slice(-30).join('\n')
