/** What the kernel counts of TCP and of a process. */
import { residentBytes } from '../sidecar/linux/process-status.ts'

/**
 * Segments that TCP has sent, a super-frame counting as its segments. InSegs would not do: it counts a super-frame once.
 * @param table /proc/net/snmp
 */
export function sentSegments(table: string): number {
  const [names = '', values = ''] = table.split('\n').filter((line) => line.startsWith('Tcp:'))
  const column = values.split(' ')
  const value = (name: string): number => Number(column[names.split(' ').indexOf(name)])
  const sum = value('OutSegs') + value('RetransSegs')
  if (!Number.isFinite(sum)) throw new Error('/proc/net/snmp has no OutSegs and RetransSegs of TCP')
  return sum
}

/** Megabytes; 0 once the process is gone. */
export function residentMb(pid: number): number {
  return residentBytes('VmRSS', pid) / 1e6
}
