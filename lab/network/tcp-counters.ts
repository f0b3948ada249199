/** What TCP counts in a network namespace, IPv6 included. Pure. */
import { snmpCounter } from '../../receiver/kernel-loss.ts'

/**
 * A super-frame counts as its segments in both of these. InSegs, which counts it once, is not among them.
 *
 * Source: net/ipv4/proc.c (snmp_seq_show).
 * @param snmp the text of /proc/net/snmp
 * @throws Error for a text without the counter, which must not pass for 0
 */
export function tcpCounter(snmp: string, name: 'OutSegs' | 'RetransSegs'): number {
  const value = snmpCounter(snmp, 'Tcp:', name)
  if (value === undefined) throw new Error(`/proc/net/snmp has no ${name} of TCP`)
  return value
}

/** Segments that were sent again, in all of these namespaces. */
export const sentAgain = (tables: readonly string[]): number =>
  tables.reduce((sum, snmp) => sum + tcpCounter(snmp, 'RetransSegs'), 0)
