/** `vxtap prepare-sensor`: wires the decision to the kernel, prints one line, returns the exit code. */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { describePreparation, type Preparation, preparationOutcomes } from '../contract/preparation-outcomes.ts'
import { bpfIsForbidden, loadPassProgram } from '../sidecar/linux/bpf-program.ts'
import { attachXdp, detachXdp, findLink, setAlias } from '../sidecar/linux/link.ts'
import { type Kernel, prepare, undo } from './prepare.ts'
import { missingPrivilege } from './privilege.ts'

export interface PrepareOptions {
  readonly interface: string
  readonly undo: boolean
}

const kernel: Kernel = {
  findLink,
  loadProgram: loadPassProgram,
  attachXdp,
  detachXdp,
  setAlias,
  missingPrivilege: () =>
    missingPrivilege({
      status: readFileSync('/proc/self/status', 'latin1'),
      uidMap: readFileSync('/proc/self/uid_map', 'latin1'),
      release: release(),
      forbidden: bpfIsForbidden(),
    }),
}

export function main(options: PrepareOptions): number {
  const outcome: Preparation = (options.undo ? undo : prepare)(options.interface, kernel)
  const { code } = preparationOutcomes[outcome.code].exit
  const stream = code === 0 ? process.stdout : process.stderr
  stream.write(`vxtap prepare-sensor: ${describePreparation(outcome)}\n`)
  return code
}
