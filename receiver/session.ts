/** One run: datagrams from the socket into the reception, reports to the console, frames to the capture, until it ends. */
import type { RemoteInfo } from 'node:dgram'
import type { Capture } from './capture.ts'
import type { Console } from './console.ts'
import { noFault } from './faults.ts'
import type { Listener } from './listen.ts'
import type { ReceiveOptions } from './options.ts'
import { flowCapacity } from './options.ts'
import { Reception } from './reception.ts'
import type { Report } from './report.ts'
import { report } from './report.ts'
import { anyVni } from './strict.ts'

/** After the end was asked for, what the kernel has queued is still read, but a sender that never pauses is not waited for. */
const drainLimitMs = 500
const drainPollMs = 5

export interface Session {
  /** Asks for the end; what waits in the socket's buffer is still counted. Safe to call more than once. */
  stop(): void
  /** The last report, once the socket is closed. Rejects when the capture cannot be written. */
  readonly ended: Promise<Report>
}

/** @param capture where frames go, if anywhere; flushed at every tick, closed by the caller */
export function startSession(
  options: ReceiveOptions,
  listener: Listener,
  display: Console,
  capture: Capture | undefined,
): Session {
  const { socket } = listener
  const reception = new Reception(options.vni ?? anyVni, flowCapacity)
  const started = performance.now()
  const limit = options.count ?? Number.POSITIVE_INFINITY
  const now = () => {
    const seconds = (performance.now() - started) / 1000
    const loss = { atSocket: listener.state()?.drops ?? null, inKernel: listener.kernelLoss() ?? null }
    return report(reception, listener.shown, seconds, loss, options.top)
  }
  const outcome = Promise.withResolvers<Report>()

  let finished = false
  const finish = (error?: Error) => {
    if (finished) return
    finished = true
    clearInterval(ticking)
    clearTimeout(deadline)
    clearInterval(draining)
    // Reads go on within the current wake-up: what follows the last wanted datagram is not counted.
    socket.off('message', onDatagram)
    const last = now()
    socket.close(() => (error === undefined ? outcome.resolve(last) : outcome.reject(error)))
  }

  const onDatagram = (datagram: Uint8Array, remote: RemoteInfo) => {
    const found = reception.receive(datagram)
    if (found !== noFault && reception.faults[found] === 1) display.firstFault(found, reception, remote.address)
    const { verdict } = reception
    if (capture !== undefined && verdict.hasFrame) {
      try {
        capture.frame(reception.memory, verdict.frameAt, verdict.frameLength, verdict.vxlan.vni, remote.address)
      } catch (error) {
        finish(error as Error)
      }
    }
    if (reception.datagrams >= limit) finish()
  }
  socket.on('message', onDatagram)
  socket.on('error', finish)

  const tick = () => {
    try {
      capture?.flush()
      display.tick(now())
    } catch (error) {
      finish(error as Error)
    }
  }
  const ticking = setInterval(tick, display.tickMs)

  let draining: NodeJS.Timeout | undefined
  const stop = () => {
    if (draining !== undefined || finished) return
    const giveUp = performance.now() + drainLimitMs
    draining = setInterval(() => {
      const queued = listener.state()?.queuedBytes ?? 0
      if (queued === 0 || performance.now() > giveUp) finish()
    }, drainPollMs)
  }
  const deadline = options.durationSeconds === undefined ? undefined : setTimeout(stop, options.durationSeconds * 1000)

  return { stop, ended: outcome.promise }
}
