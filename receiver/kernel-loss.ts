/**
 * Datagrams that the kernel threw away before they came to a socket: the counters of the whole network namespace, so
 * other programs' losses are among them. Their growth while a receiver runs is a hint that no socket's counter gives.
 *
 * Source: net/ipv4/proc.c and net/ipv6/proc.c (snmp_seq_show, snmp6_seq_show).
 */

export interface KernelLoss {
  /** Outer UDP checksum wrong, or 0 over IPv6, which the kernel accepts only with UDP_NO_CHECK6_RX (RFC 6935). */
  outerChecksum: number
  /** Outer IP datagrams that could not be put together again from their fragments. */
  reassembly: number
}

/** @param snmp the text of /proc/net/snmp (IPv4); @param snmp6 of /proc/net/snmp6, empty where there is no IPv6 */
export function readKernelLoss(snmp: string, snmp6: string): KernelLoss {
  return {
    outerChecksum: (snmpCounter(snmp, 'Udp:', 'InCsumErrors') ?? 0) + ipv6Counter(snmp6, 'Udp6InCsumErrors'),
    reassembly: (snmpCounter(snmp, 'Ip:', 'ReasmFails') ?? 0) + ipv6Counter(snmp6, 'Ip6ReasmFails'),
  }
}

export function lossSince(now: KernelLoss, before: KernelLoss): KernelLoss {
  return {
    outerChecksum: now.outerChecksum - before.outerChecksum,
    reassembly: now.reassembly - before.reassembly,
  }
}

/**
 * A counter of /proc/net/snmp, which has a line of names, then a line of values, both with the same first word.
 * @returns undefined where there is none of that name
 */
export function snmpCounter(text: string, group: string, name: string): number | undefined {
  const [names, values] = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[0] === group)
  const at = names?.indexOf(name) ?? -1
  const value = at < 0 ? undefined : values?.[at]
  return value === undefined ? undefined : Number(value)
}

/** Name and value on one line. */
function ipv6Counter(text: string, name: string): number {
  const line = text.split('\n').find((candidate) => candidate.split(/\s+/)[0] === name)
  return line === undefined ? 0 : Number(line.trim().split(/\s+/)[1])
}
