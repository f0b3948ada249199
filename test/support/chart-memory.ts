/** The memory that the chart gives an injector, for tests that hold it to that. */
import { readFileSync } from 'node:fs'

/** `resources.limits.memory`, kB. */
export const limitKb = 256 * 1024

/** What the chart's NODE_OPTIONS come to in a container of that size. */
export const nodeOptions = '--max-old-space-size=128 --max-semi-space-size=8'

/** @returns kB that have been resident, at most so far or now */
export function residentKb(pid: number | undefined, what: 'VmHWM' | 'VmRSS'): number {
  return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
