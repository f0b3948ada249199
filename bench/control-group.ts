/**
 * Groups of processes whose CPU time the kernel adds up, and may limit: control groups, version 1 or 2.
 *
 * The time counted is all that the group's processes ran, in user and in kernel mode, exact to the nanosecond (version 1)
 * or microsecond (2). The kernel's work on a packet is done by whoever sends it, down to the far socket of a veth path, so
 * that the whole of a tap's transmission is in the tap's account.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Account {
  /** Moves a process with its threads here; what it starts later is here too. */
  add(pid: number): void
  usageSeconds(): number
  /** @param cores CPU time a second that the group may use, in periods of 100 ms; undefined lifts the limit */
  limit(cores: number | undefined): void
}

const periodUs = 100_000

/** Where version 1 keeps cpu and cpuacct, or where version 2 is mounted. */
export type Hierarchy =
  | { readonly version: 1; readonly cpu: string; readonly accounting: string }
  | { readonly version: 2; readonly root: string }

/**
 * @param mounts /proc/self/mounts
 * @param controllers what cgroup.controllers of a version 2 mount says
 * @throws Error where neither version offers the CPU controller
 */
export function findHierarchy(mounts: string, controllers: (mountPoint: string) => string): Hierarchy {
  const entries = mounts.split('\n').map((line) => line.split(' '))
  const ofVersion1 = (controller: string): string | undefined =>
    entries.find(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes(controller))?.[1]
  const cpu = ofVersion1('cpu')
  const accounting = ofVersion1('cpuacct')
  if (cpu !== undefined && accounting !== undefined) return { version: 1, cpu, accounting }
  const root = entries.find(
    ([, at = '', type]) => type === 'cgroup2' && controllers(at).split(/\s+/).includes('cpu'),
  )?.[1]
  if (root !== undefined) return { version: 2, root }
  throw new Error(
    'no control group hierarchy with the CPU controller is mounted (neither cpu and cpuacct of version 1, nor cpu of version 2): CPU time can be neither counted nor limited here',
  )
}

const put = (file: string, value: string | number): void => writeFileSync(file, String(value))
const take = (file: string): string => readFileSync(file, 'utf8')

/** @param parent one folder for all groups of a run; scripts/bench.sh removes it when no process is left in it */
export function createAccount(hierarchy: Hierarchy, parent: string, name: string): Account {
  return hierarchy.version === 1
    ? new FirstVersion(join(hierarchy.cpu, parent, name), join(hierarchy.accounting, parent, name))
    : new SecondVersion(hierarchy.root, parent, name)
}

class FirstVersion implements Account {
  readonly #cpu: string
  readonly #accounting: string

  constructor(cpu: string, accounting: string) {
    this.#cpu = cpu
    this.#accounting = accounting
    for (const folder of [cpu, accounting]) mkdirSync(folder, { recursive: true })
  }

  add(pid: number): void {
    for (const folder of new Set([this.#cpu, this.#accounting])) put(join(folder, 'cgroup.procs'), pid)
  }

  usageSeconds(): number {
    return Number(take(join(this.#accounting, 'cpuacct.usage'))) / 1e9
  }

  limit(cores: number | undefined): void {
    put(join(this.#cpu, 'cpu.cfs_period_us'), periodUs)
    put(join(this.#cpu, 'cpu.cfs_quota_us'), cores === undefined ? -1 : cores * periodUs)
  }
}

class SecondVersion implements Account {
  readonly #folder: string

  constructor(root: string, parent: string, name: string) {
    this.#folder = join(root, parent, name)
    mkdirSync(this.#folder, { recursive: true })
    // A controller is there in a folder only where every folder above it hands it down.
    for (const above of [root, join(root, parent)]) {
      const control = join(above, 'cgroup.subtree_control')
      if (!existsSync(control) || !take(control).split(/\s+/).includes('cpu')) put(control, '+cpu')
    }
  }

  add(pid: number): void {
    put(join(this.#folder, 'cgroup.procs'), pid)
  }

  usageSeconds(): number {
    return Number(/^usage_usec (\d+)$/m.exec(take(join(this.#folder, 'cpu.stat')))?.[1]) / 1e6
  }

  limit(cores: number | undefined): void {
    put(join(this.#folder, 'cpu.max'), `${cores === undefined ? 'max' : cores * periodUs} ${periodUs}`)
  }
}
