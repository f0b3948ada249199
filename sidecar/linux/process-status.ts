/** How much memory of a process is resident, as /proc/PID/status has it: proc_pid_status(5). */
import { readFileSync } from 'node:fs'

/**
 * @param what all of it, or of files, a mapped ring among them
 * @returns bytes; 0 where that cannot be read, or the process is gone. The kernel's kB are 1024 (task_mem in
 * fs/proc/task_mmu.c).
 */
export function residentBytes(what: 'VmRSS' | 'RssFile', pid: number | 'self' = 'self'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
