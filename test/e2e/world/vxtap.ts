/** The command line as an operator has it beside kubectl, with the same kubeconfig. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../../lab/network/command.ts'

const program = join(fileURLToPath(new URL('../../..', import.meta.url)), 'bin/vxtap')

export function vxtap(...args: readonly string[]): Promise<string> {
  return run([program, ...args], { timeoutMs: 60_000 })
}

/** What it prints on both, and its exit code as the last line. */
export function vxtapWithExitCode(...args: readonly string[]): Promise<string> {
  return run(['sh', '-c', '"$@" 2>&1; echo $?', 'sh', program, ...args], { timeoutMs: 60_000 })
}
