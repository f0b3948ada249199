/**
 * A counter of the TCP of one network namespace; a super-frame counts as its segments in both of these. InSegs, which
 * counts it once, is not among them.
 *
 * Source: net/ipv4/proc.c (snmp_seq_show): a line of names, then one of values.
 * @param snmp the text of /proc/net/snmp, which counts for IPv6 too
 * @throws Error for a text without the counter, which must not pass for 0
 */
export function tcpCounter(snmp: string, name: 'OutSegs' | 'RetransSegs'): number {
  const [names = '', values = ''] = snmp.split('\n').filter((line) => line.startsWith('Tcp:'))
  const value = Number(values.split(' ')[names.split(' ').indexOf(name)])
  if (!Number.isFinite(value)) throw new Error(`/proc/net/snmp has no ${name} of TCP`)
  return value
}
