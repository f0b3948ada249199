/** Programs of the machine (ip, nsenter, ethtool, ...) run to their end, with errors that say which one said what. */
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program that failed, or is not there. `stderr` is what it said. */
export class CommandError extends Error {
  readonly stderr: string
  constructor(message: string, stderr: string) {
    super(message)
    this.name = 'CommandError'
    this.stderr = stderr
  }
}

/** ip and ethtool live in sbin, which an ordinary user's PATH leaves out. */
export const searchPath = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`

export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/**
 * Runs a program to its end and gives its standard output.
 * @throws CommandError when it cannot be started, fails or takes longer than the timeout (10 s)
 */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const [program, ...args] = argv
  if (program === undefined) throw new TypeError('run() needs a program')
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        env: { ...process.env, ...options.env, PATH: searchPath },
        timeout: options.timeoutMs ?? 10_000,
        maxBuffer: 64 << 20,
      },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout)
        const said = stderr.trim() || stdout.trim() || error.message
        reject(new CommandError(`${argv.join(' ')}: ${said}`, stderr))
      },
    )
    // A program that ends before it has read its input must not take this process down: its exit code says enough.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
  })
}

/** Those of the programs that are not on the search path. */
export function missingPrograms(programs: readonly string[]): string[] {
  return programs.filter((program) => {
    return !searchPath.split(delimiter).some((directory) => {
      try {
        accessSync(join(directory, program), constants.X_OK)
        return true
      } catch {
        return false
      }
    })
  })
}
