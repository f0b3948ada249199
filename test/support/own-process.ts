/** A module in a process of its own: for what changes V8 or memory, and for what a process has loaded. */
import { spawnSync } from 'node:child_process'

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** @param program the text of an ES module @param flags of node's command line */
export function runModule(program: string, ...flags: readonly string[]): Ended {
  const argv = ['--disable-warning=ExperimentalWarning', ...flags, '--input-type=module', '--eval', program]
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** What such a module has printed as JSON. */
export function answerOf(program: string, ...flags: readonly string[]): ReturnType<typeof JSON.parse> {
  const { status, stdout, stderr } = runModule(program, ...flags)
  if (status !== 0) throw new Error(`the module ended with ${status}: ${stderr}`)
  return JSON.parse(stdout)
}
