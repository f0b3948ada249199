/** Capturing with dumpcap, which shares nothing with the sidecar: what it writes is the ground truth of comparisons. */
import type { ChildProcess } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { missingPrograms } from './command.ts'
import type { NetworkNamespace } from './namespace.ts'

export interface CaptureTotals {
  readonly frames: number
  /** Frames that dumpcap or the kernel lost: when this is not 0, the file is no ground truth. */
  readonly dropped: number
}

export interface Capture {
  readonly file: string
  /** Milliseconds since the epoch: from here until `stop` is called, every frame is in the file. */
  readonly startedAt: number
  /** Ends the capture when everything up to the call is written; what comes while it ends may be in the file or not. */
  stop(): Promise<CaptureTotals>
}

const startTimeoutMs = 30_000
/**
 * dumpcap reads blocks that the kernel hands over after 250 ms at the latest, and drops what is in an open one; the rest is
 * for a machine on which timer and reader are late.
 */
const drainMs = 600

/** @throws Error where dumpcap is missing or does not start; the message has what it said */
export async function startCapture(
  namespace: NetworkNamespace,
  networkInterface: string,
  file: string,
  filter = '',
): Promise<Capture> {
  if (missingPrograms(['dumpcap']).length > 0)
    throw new Error('missing on this machine: dumpcap (Debian package tshark)')
  // 256 KiB of each frame is all of it, BIG TCP included; 32 MiB of buffer outlast a download at full speed.
  const filterArguments = filter === '' ? [] : ['-f', filter]
  const child = namespace.spawn(
    ['dumpcap', '-q', '-n', '-s', '262144', '-B', '32', '-i', networkInterface, '-w', file, ...filterArguments],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const said = await started(child)
  return {
    file,
    startedAt: Date.now(),
    stop: async () => {
      await setTimeout(drainMs)
      const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
      child.kill('SIGINT')
      await gone
      const totals = /Packets received\/dropped on interface '[^']*': (\d+)\/(\d+)/.exec(said.text)
      if (totals === null) throw new Error(`dumpcap on ${networkInterface} did not end well: ${said.text.trim()}`)
      return { frames: Number(totals[1]), dropped: Number(totals[2]) }
    },
  }
}

/** Resolves when dumpcap has opened its file, which it does after the interface. */
function started(child: ChildProcess): Promise<{ text: string }> {
  const said = { text: '' }
  return new Promise((resolve, reject) => {
    const fail = () => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new Error(`dumpcap did not start: ${said.text.trim() || 'it said nothing'}`))
    }
    const timer = globalThis.setTimeout(fail, startTimeoutMs)
    child.once('exit', fail)
    child.once('error', fail)
    child.stderr?.setEncoding('utf8')
    child.stderr?.on('data', (text: string) => {
      said.text += text
      if (!/^File: /m.test(said.text)) return
      clearTimeout(timer)
      child.off('exit', fail)
      resolve(said)
    })
  })
}
