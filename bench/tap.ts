/** A tap that runs in the tapped pod, whoever made it. */
import type { ChildProcess } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import type { LabPod } from '../lab/network/pod.ts'
import type { OwnCount } from './results.ts'

export interface Tap {
  /** Undefined where there is no process: without a tap, and in the kernel. */
  readonly pid: number | undefined
  /** Why it is there no longer, in its own words; undefined while it runs. */
  ended?(): string | undefined
  /** What the tap itself says of what it captured and sent; undefined for those that do not. */
  counters?(): Promise<OwnCount>
  stop(): Promise<void>
}

export interface Place {
  readonly web: LabPod
  readonly sensor: LabPod
}

/** Long enough for any of these to open its sockets; they say nothing when they have. */
const startMs = 300

/** A program that captures until SIGTERM; `said` is what it must say first, where it says anything. */
export async function startProgram(pod: LabPod, argv: readonly string[], said = ''): Promise<Tap> {
  const child = pod.spawn(argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        text += chunk
        if (said !== '' && text.includes(said)) resolve()
      })
  })
  const ended = new Promise<never>((_, reject) =>
    child.once('close', () => reject(new Error(`${argv.join(' ')} ended: ${text.trim() || 'it said nothing'}`))),
  )
  ended.catch(() => {})
  await Promise.race([ready, ended, said === '' ? setTimeout(startMs) : ended])
  return {
    pid: child.pid,
    ended: () => (isGone(child) ? `ended with ${child.exitCode ?? child.signalCode}: ${lastLine(text)}` : undefined),
    stop: () => stop(child),
  }
}

const isGone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const lastLine = (text: string): string => text.trim().split('\n').at(-1) || 'it said nothing'

async function stop(child: ChildProcess): Promise<void> {
  if (isGone(child)) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = globalThis.setTimeout(() => child.kill('SIGKILL'), 2000)
  await gone
  clearTimeout(timer)
}
