/**
 * Control groups of the cluster. Two kubelets on one kernel share the hierarchies, and each deletes what it does not
 * know below its root: so each gets a root of its own, made beforehand, below one group that goes at the end.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const mounted = '/sys/fs/cgroup'

/** The folders that hierarchies are mounted at: one for version 2, one for each controller of version 1. */
function hierarchies(): string[] {
  const unified = existsSync(join(mounted, 'cgroup.controllers'))
  return unified
    ? [mounted]
    : readdirSync(mounted)
        .map((name) => join(mounted, name))
        .filter((folder) => existsSync(join(folder, 'cgroup.procs')))
}

/** @param path from the hierarchies' roots, e.g. vxtap-1234/node1 */
export function makeControlGroup(path: string): void {
  for (const root of hierarchies()) {
    let parent = root
    for (const name of path.split('/')) {
      const folder = join(parent, name)
      mkdirSync(folder, { recursive: true })
      // Version 1: a cpuset without processors and memory takes no process.
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        if (existsSync(join(folder, 'cgroup.clone_children')) && existsSync(join(folder, file))) {
          copyFileSync(join(parent, file), join(folder, file))
        }
      }
      // Version 2: a controller is in a group once its parent hands it down.
      const controllers = join(parent, 'cgroup.controllers')
      if (existsSync(controllers)) {
        const all = readFileSync(controllers, 'utf8').trim().split(' ').filter(Boolean)
        const handedDown = all.map((controller) => `+${controller}`).join(' ')
        if (handedDown !== '') writeFileSync(join(parent, 'cgroup.subtree_control'), handedDown)
      }
      parent = folder
    }
  }
}
