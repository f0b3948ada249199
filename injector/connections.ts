/**
 * A bound on open connections, so that whoever reaches the port can neither use up the memory nor keep the API server
 * out: where the bound is reached, the new connection takes the place of another. The first to go are those over which
 * no review has ever been answered, oldest first; then the one whose last review is longest ago.
 */
import type { Server, Socket } from 'node:net'

export interface Connections {
  /** A review that came over this connection has been answered. Takes the socket of the request. */
  answered(socket: Socket): void
  readonly count: number
}

/** @param dropped told of each connection that had to make room */
export function boundConnections(server: Server, most: number, dropped: () => void): Connections {
  // Maps keep the order of insertion: the first entry is the oldest.
  const unproven = new Map<string, Socket>()
  const proven = new Map<string, Socket>()

  server.on('connection', (socket: Socket) => {
    if (unproven.size + proven.size >= most) {
      const [entry] = unproven.size > 0 ? unproven : proven
      if (entry) {
        const [key, oldest] = entry
        unproven.delete(key)
        proven.delete(key)
        oldest.destroy()
        dropped()
      }
    }
    const key = keyOf(socket)
    unproven.set(key, socket)
    socket.on('close', () => {
      if (unproven.get(key) === socket) unproven.delete(key)
      if (proven.get(key) === socket) proven.delete(key)
    })
  })
  return {
    answered(socket) {
      const key = keyOf(socket)
      const accepted = unproven.get(key) ?? proven.get(key)
      if (accepted === undefined) return
      unproven.delete(key)
      proven.delete(key)
      proven.set(key, accepted)
    },
    get count() {
      return unproven.size + proven.size
    },
  }
}

/** Of the client's end: TLS gives requests another socket object than the one that was accepted. */
const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`
