/**
 * How many datagrams the kernel dropped at our socket because its buffer was full: the last column of /proc/net/udp and
 * /proc/net/udp6 (net/ipv4/udp.c, udp4_format_sock; net/ipv6/udp.c). Without it a receiver cannot tell "the tap did not
 * send it" from "I was too slow".
 */

/** What the kernel says of one UDP socket. */
export interface SocketState {
  /** Datagrams dropped at the socket since it was made. */
  drops: number
  /** Bytes that wait in the socket's buffer, with the kernel's overhead. */
  queuedBytes: number
}

/** Columns of a line, split at blanks: `sl local remote st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops`. */
const column = { local: 1, queues: 4, inode: 9, drops: 12 } as const

/**
 * Finds our socket in the text of /proc/net/udp or /proc/net/udp6.
 * @param port the local port it is bound to
 * @param isOurs whether a socket inode belongs to this process: several processes may share a port (SO_REUSEPORT)
 */
export function findSocket(table: string, port: number, isOurs: (inode: string) => boolean): SocketState | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of table.split('\n')) {
    const columns = line.trim().split(/\s+/)
    const inode = columns[column.inode]
    if (inode === undefined || !columns[column.local]?.endsWith(suffix) || !isOurs(inode)) continue
    return {
      drops: Number(columns[column.drops]),
      queuedBytes: Number.parseInt(columns[column.queues]?.split(':')[1] ?? '0', 16),
    }
  }
  return undefined
}
