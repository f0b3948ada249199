/** What the kernel counts in a pod's network namespace, read through a process that lives there. Parsers are pure. */
import { readFileSync } from 'node:fs'

export interface Crossed {
  /** Frames that eth0 received; one that the kernel has not segmented yet counts once. */
  readonly received: number
  /** TCP segments in and out, a super-frame counting as its segments. */
  readonly tcpSegments: number
}

export function crossed(pid: number): Crossed {
  return {
    received: receivedFrames(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), 'eth0'),
    tcpSegments: tcpSegments(readFileSync(`/proc/${pid}/net/snmp`, 'utf8')),
  }
}

/** @param table /proc/net/dev */
export function receivedFrames(table: string, networkInterface: string): number {
  const line = table.split('\n').find((one) => one.trim().startsWith(`${networkInterface}:`))
  if (line === undefined) throw new Error(`/proc/net/dev has no ${networkInterface}`)
  return Number(
    line
      .slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/)[1],
  )
}

/** @param table /proc/net/snmp; InSegs and OutSegs count a super-frame's segments (tcp_v4_rcv, __tcp_transmit_skb) */
export function tcpSegments(table: string): number {
  const [names = '', values = ''] = table.split('\n').filter((line) => line.startsWith('Tcp:'))
  const column = values.split(' ')
  const value = (name: string): number => Number(column[names.split(' ').indexOf(name)])
  const sum = value('InSegs') + value('OutSegs')
  if (!Number.isFinite(sum)) throw new Error('/proc/net/snmp has no InSegs and OutSegs of TCP')
  return sum
}

/** Megabytes; 0 once the process is gone. */
export function residentMb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
