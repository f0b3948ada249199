/** `vxtap prepare-sensor` in a lab pod, with the capabilities of its init container: NET_ADMIN and BPF. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { searchPath } from '../../lab/network/command.ts'
import type { LabPod } from '../../lab/network/pod.ts'

export const vxtap = fileURLToPath(new URL('../../bin/vxtap', import.meta.url))

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface PrepareRun {
  readonly flags?: readonly string[]
  /** Of setpriv(1), after `-all`. */
  readonly capabilities?: string
  /** What runs instead of `bin/vxtap`. */
  readonly program?: readonly string[]
}

/** Runs it to its end; never throws for an exit code. */
export function prepareSensor(pod: LabPod, run: PrepareRun = {}): Promise<Said> {
  const capabilities = `-all${run.capabilities ?? ',+net_admin,+bpf'}`
  const argv = ['setpriv', `--bounding-set=${capabilities}`, '--no-new-privs', '--', ...(run.program ?? [vxtap])]
  return runIn(pod, [...argv, 'prepare-sensor', ...(run.flags ?? [])])
}

export function runIn(pod: LabPod, argv: readonly string[]): Promise<Said> {
  const env = { ...process.env, PATH: searchPath }
  return new Promise((resolve) => {
    execFile('nsenter', [`--net=${pod.namespace.path}`, '--', ...argv], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}
