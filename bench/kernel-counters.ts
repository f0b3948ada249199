/** What the kernel counts of TCP and of a process. */
import { tcpCounter } from '../lab/network/tcp-counters.ts'
import { residentBytes } from '../sidecar/linux/process-status.ts'

/**
 * Segments that TCP has sent, for the first time and again.
 * @param table /proc/net/snmp
 */
export function sentSegments(table: string): number {
  return tcpCounter(table, 'OutSegs') + tcpCounter(table, 'RetransSegs')
}

/** Megabytes; 0 once the process is gone. */
export function residentMb(pid: number): number {
  return residentBytes('VmRSS', pid) / 1e6
}
