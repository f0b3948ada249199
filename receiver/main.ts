/**
 * `vxtap receive`: a small sensor. Takes VXLAN, refuses what a strict sensor would refuse, shows flows, writes pcapng.
 */
import { exitCodes } from '../contract/exit-codes.ts'
import type { Capture } from './capture.ts'
import { openCapture } from './capture.ts'
import { Console } from './console.ts'
import type { Listener } from './listen.ts'
import { ListenError, listen } from './listen.ts'
import type { ReceiveOptions } from './options.ts'
import { maxStrictExit } from './options.ts'
import { startSession } from './session.ts'

/** Runs until a signal, the count or the duration ends it. Returns the exit code. */
export async function main(options: ReceiveOptions): Promise<number> {
  let listener: Listener
  try {
    listener = await listen(options.address, options.port, options.bufferBytes)
  } catch (error) {
    if (!(error instanceof ListenError)) throw error
    process.stderr.write(`vxtap receive: ${error.message}\n`)
    return error.permission ? exitCodes.noPermission.code : exitCodes.failure.code
  }
  const display = new Console(options, process.stdout, process.stderr, process.env)
  try {
    return await run(options, listener, display)
  } catch (error) {
    display.abandon()
    process.stderr.write(`vxtap receive: ${(error as Error).message}\n`)
    return exitCodes.failure.code
  }
}

async function run(options: ReceiveOptions, listener: Listener, display: Console): Promise<number> {
  // Only now that the port is ours: a second receiver started by mistake must not empty the first one's file.
  const capture = options.write === undefined ? undefined : openCaptureOrClose(options.write, listener)
  const session = startSession(options, listener, display, capture)
  process.on('SIGINT', session.stop)
  process.on('SIGTERM', session.stop)
  // A reader that has gone (`| head`) ends the run like a signal; there is nobody left to tell.
  process.stdout.on('error', session.stop)
  process.stderr.on('error', session.stop)
  display.listening(listener.shown, bufferNote(listener.bufferBytes, options.bufferBytes))
  const last = await session.ended
  capture?.close()
  display.end(last, capture === undefined ? [] : [`${capture.frames} frames written to ${capture.shown}`])
  return options.strict ? Math.min(last.faulty, maxStrictExit) : exitCodes.ok.code
}

function openCaptureOrClose(path: string, listener: Listener): Capture {
  try {
    return openCapture(path)
  } catch (error) {
    listener.socket.close()
    throw error
  }
}

/** Linux doubles what was asked for, to cover its own overhead, and caps it first at net.core.rmem_max (socket(7)). */
function bufferNote(gotBytes: number, askedBytes: number): string[] {
  const got = gotBytes / 2
  const mib = (bytes: number) => `${(bytes / 1048576).toFixed(1)} MiB`
  if (got >= askedBytes) return [`receive buffer ${mib(got)}`]
  return [`receive buffer ${mib(got)} of the ${mib(askedBytes)} asked for; sysctl net.core.rmem_max allows no more`]
}
