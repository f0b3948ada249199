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

interface Connection {
  readonly socket: Socket
  /** Which of all answers was its last; 0 before the first. */
  lastAnswer: number
}

/** @param dropped told of each connection that had to make room */
export function boundConnections(server: Server, most: number, dropped: () => void): Connections {
  // A map keeps the order of insertion: the first entry is the oldest.
  const open = new Map<string, Connection>()
  // TLS gives requests another socket object than the one that was accepted; a client's end is looked up once for each.
  const ofRequests = new WeakMap<Socket, Connection>()
  let answers = 0

  server.on('connection', (socket: Socket) => {
    if (open.size >= most) {
      const [key, { socket: idlest }] = leastProven(open)
      open.delete(key)
      idlest.destroy()
      dropped()
    }
    const key = keyOf(socket)
    const connection: Connection = { socket, lastAnswer: 0 }
    open.set(key, connection)
    socket.on('close', () => {
      if (open.get(key) === connection) open.delete(key)
    })
  })
  return {
    answered(socket) {
      let connection = ofRequests.get(socket)
      if (connection === undefined) {
        connection = open.get(keyOf(socket))
        if (connection === undefined) return
        ofRequests.set(socket, connection)
      }
      connection.lastAnswer = ++answers
    },
    get count() {
      return open.size
    },
  }
}

/** Preconditions: there is one. */
function leastProven(open: ReadonlyMap<string, Connection>): [string, Connection] {
  let [found] = open as Iterable<[string, Connection]> as [[string, Connection]]
  for (const entry of open) {
    if (entry[1].lastAnswer === 0) return entry
    if (entry[1].lastAnswer < found[1].lastAnswer) found = entry
  }
  return found
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`
