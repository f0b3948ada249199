/** Tells of TLS handshakes that failed, seldom enough that nobody can fill the log with them. */
import type { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'

const quietMs = 10_000

/** @returns takes the event `tlsClientError`: the error, and the socket, which knows why a certificate was not accepted */
export function createHandshakeLog(
  log: Logger,
  now: () => number = () => performance.now(),
): (error: Error, socket: TLSSocket) => void {
  let quietUntil = Number.NEGATIVE_INFINITY
  let untold = 0
  return (error, socket) => {
    if (now() < quietUntil) {
      untold++
      return
    }
    const certificate: unknown = socket.authorizationError
    // OpenSSL's errors have a short form beside the message, which names its source lines.
    const plain = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
    const cause = certificate ? `its certificate is not accepted: ${certificate}` : plain
    log.warn({ from: socket.remoteAddress, cause, untold }, 'a connection did not get as far as TLS')
    quietUntil = now() + quietMs
    untold = 0
  }
}
