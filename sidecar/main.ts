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
import { setV8Flags } from './v8-flags.ts'

function fail(code: number, message: string): never {
  process.stderr.write(`vxtap sidecar: ${message}\n`)
  process.exit(code)
}

function settingsOrExit(): SidecarSettings {
  const result = readSidecarSettings(process.env)
  if (result.ok) return result.settings
  for (const problem of result.problems) process.stderr.write(`vxtap sidecar: ${problem}\n`)
  return fail(exitCodes.config.code, 'not started; the settings are in docs/configuration.md')
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
  const settings = settingsOrExit()
  const log = createLog(settings)
  const started = startSidecar({
    settings,
    log,
    counters: new Counters(),
    version,
    environment: process.env,
    ownAddresses,
  })
  if (!started.ok) fail(exitCodes.config.code, started.problem)
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
    fail(
      denied ? exitCodes.noPermission.code : exitCodes.failure.code,
      error instanceof Error ? error.message : String(error),
    )
  }
  process.exit(exitCodes.ok.code)
}
