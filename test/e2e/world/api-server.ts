/** What the API server of the suite's own cluster costs, and what it says of itself. */
import { readFileSync } from 'node:fs'
import { apiServerPidFile } from './abilities.ts'
import { kubectl } from './kubectl.ts'

export const apiServerPid = (): number => Number(readFileSync(apiServerPidFile, 'utf8'))

export interface Cost {
  readonly residentBytes: number
  /** Objects and stacks that are in use, right after a collection of what is not. */
  readonly liveBytes: number
  readonly goroutines: number
  readonly cpuSeconds: number
}

export async function cost(): Promise<Cost> {
  const pid = apiServerPid()
  // Go collects its garbage before it writes this profile; the profile itself is not looked at.
  await kubectl(['get', '--raw', '/debug/pprof/heap?gc=1&debug=1'])
  const metrics = await apiServerMetrics()
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    residentBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024,
    liveBytes: metrics('go_memstats_heap_alloc_bytes') + metrics('go_memstats_stack_inuse_bytes'),
    goroutines: metrics('go_goroutines'),
    cpuSeconds: cpuSeconds(),
  }
}

/** Of user and kernel, since it started: fields 14 and 15 of proc(5), in hundredths. */
export function cpuSeconds(): number {
  const fields = readFileSync(`/proc/${apiServerPid()}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** @returns the sum of a metric's series that have all of these labels (`verb="WATCH"`) */
export async function apiServerMetrics(): Promise<(name: string, ...labels: readonly string[]) => number> {
  const lines = (await kubectl(['get', '--raw', '/metrics'])).split('\n')
  return (name, ...labels) =>
    lines
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
