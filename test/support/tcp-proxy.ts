/** A TCP relay that goes wrong on demand, in ways that the server behind it cannot: what a network does between two ends. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Sockets, those to the server included. */
  readonly open: number
  /** Passes nothing on and closes nothing, as a path that has gone: for connections that are open, and new ones. */
  hold(): void
  /** Answers new connections with bytes that are not TLS, and breaks those that are open. */
  garble(): void
  /** Resets what is open, and every new connection. */
  reset(): void
  /** As a relay again; what was held stays lost. */
  heal(): void
  close(): Promise<void>
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  let mode: 'relay' | 'hold' | 'garble' | 'reset' = 'relay'
  const sockets = new Set<Socket>()
  const remember = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  }
  const server = createServer((client) => {
    remember(client)
    if (mode === 'reset') return void client.resetAndDestroy()
    if (mode === 'garble') return void client.end('HTTP/1.0 503 this is not TLS\r\n\r\n')
    if (mode === 'hold') return
    const upstream = connect(target, '127.0.0.1')
    remember(upstream)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (chunk) => mode !== 'hold' && to.write(chunk))
      from.on('close', () => mode !== 'hold' && to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const breakAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return sockets.size
    },
    hold() {
      mode = 'hold'
    },
    garble() {
      mode = 'garble'
      breakAll()
    },
    reset() {
      mode = 'reset'
      breakAll()
    },
    heal() {
      mode = 'relay'
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        breakAll()
      }),
  }
}
