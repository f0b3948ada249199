/** `vxtap sidecar`: wires the parts; the only file here that touches the environment, signals and the exit code. */
import { networkInterfaces } from 'node:os'
import { pino } from 'pino'
import { exitCodes } from '../contract/exit-codes.ts'
import { readSidecarSettings, type SidecarSettings } from '../contract/sidecar-settings.ts'
import { version } from '../contract/version.ts'
import { Counters } from './counters.ts'
import { SyscallError } from './linux/errno.ts'
import type { Log } from './log.ts'
import { startSidecar } from './sidecar.ts'
import { isInPod, stayUp } from './stay-up.ts'
import { setV8Flags } from './v8-flags.ts'

const say = (sentence: string): boolean => process.stderr.write(`vxtap sidecar: ${sentence}\n`)

function fail(code: number, message: string): never {
  say(message)
  process.exit(code)
}

/** What no other start of this pod would put right: ends the process with the code, or, in a pod, lives on without a tap. */
async function giveUp(code: number, problem: string): Promise<never> {
  if (!isInPod(process.env)) fail(code, problem)
  say(`${problem}; nothing is mirrored, and the pod goes on without a tap. Put it right, and create the pod anew`)
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
  })
  await stayUp(problem, process.env, version, told)
  return process.exit(exitCodes.ok.code)
}

async function settingsOrGiveUp(): Promise<SidecarSettings> {
  const result = readSidecarSettings(process.env)
  if (result.ok) return result.settings
  for (const problem of result.problems) say(problem)
  const [only = '', ...others] = result.problems
  const which = others.length === 0 ? only : `${only} (and ${others.length} more: the log has them)`
  return giveUp(
    exitCodes.config.code,
    isInPod(process.env) ? which : 'not started; the settings are in docs/configuration.md',
  )
}

function createLog(settings: SidecarSettings): Log {
  const base = settings.podName === '' ? {} : { pod: settings.podName }
  return pino({ level: settings.logLevel, base, timestamp: pino.stdTimeFunctions.isoTime })
}

let lastAddresses: readonly string[] = []

/** The pod's addresses, loopback not counted; asked anew each time, since an interface may come late. */
function ownAddresses(): readonly string[] {
  try {
    const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    lastAddresses = all.filter(({ internal }) => !internal).map(({ address }) => address)
  } catch {
    // The kernel is asked through a socket, for which there may be no descriptor left: what it said before still holds.
  }
  return lastAddresses
}

export async function main(): Promise<void> {
  setV8Flags()
  const settings = await settingsOrGiveUp()
  const log = createLog(settings)
  const started = startSidecar({
    settings,
    log,
    counters: new Counters(),
    version,
    environment: process.env,
    ownAddresses,
  })
  if (!started.ok) return giveUp(exitCodes.config.code, started.problem)
  let signalled = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (signalled) process.exit(exitCodes.failure.code)
      signalled = true
      log.info(`${signal}: sending what is captured, then stopping`)
      started.sidecar.stop()
    })
  }
  try {
    await started.sidecar.done
  } catch (error) {
    const denied = error instanceof SyscallError && (error.code === 'EPERM' || error.code === 'EACCES')
    const sentence = error instanceof Error ? error.message : String(error)
    if (denied) return giveUp(exitCodes.noPermission.code, sentence)
    fail(exitCodes.failure.code, sentence)
  }
  process.exit(exitCodes.ok.code)
}
