/**
 * Suricata in the sensor's pod, from the root file system that scripts/suricata-root.sh made.
 *
 * The root is mounted read-only, and /proc, /dev and a /run of its own on top of it, in the sandbox's mount namespace:
 * the cached folder is never written to, and nothing stays mounted.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../../lab/network/command.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { complains, configuration, suricataCommand } from '../support/suricata/suricata.ts'
import { Program } from './program.ts'

const startWithinMs = 60_000
/** Suricata reads blocks that the kernel hands over within milliseconds; by then it has worked off what it had. */
const drainMs = 2_000

const mounts = `
mount --bind "$1" "$2"
mount -o remount,bind,ro "$2"
mount -t proc proc "$2/proc"
mount --rbind /dev "$2/dev"
mount -t tmpfs -o mode=755 tmpfs "$2/run"
mkdir "$2/run/suricata"`

export interface Sensor {
  /** Ends it when it has worked off what it was sent. Gives its EVE log, a JSON object a line. */
  stop(): Promise<string>
}

/** @param directory where the root is to be mounted: below the sandbox's own /run */
export async function startSuricata(pod: LabPod, rootFileSystem: string, directory: string): Promise<Sensor> {
  await mkdir(directory, { recursive: true })
  await run(['sh', '-e', '-c', mounts, 'sh', rootFileSystem, directory])
  const logs = join(directory, 'run/suricata')
  for (const [name, content] of Object.entries(configuration)) await writeFile(join(logs, name), content)
  const argv = suricataCommand('/run/suricata', '/run/suricata')
  const suricata = new Program('Suricata', pod.spawn(['chroot', directory, ...argv]))
  await suricata.says(/Engine started/, startWithinMs)
  if (complains(suricata.text)) throw new Error(`Suricata started with complaints: ${suricata.text.trim()}`)
  return {
    stop: async () => {
      await sleep(drainMs)
      await suricata.stop('SIGINT')
      return readFile(join(logs, 'eve.json'), 'utf8')
    },
  }
}

export async function suricataVersion(rootFileSystem: string): Promise<string> {
  const said = await run(['chroot', rootFileSystem, 'suricata', '-V'])
  return /version (\S+)/.exec(said)?.[1] ?? 'unknown'
}
