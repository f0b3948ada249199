/**
 * One tap, one Suricata, 200 transfers:
 *
 * ```
 *     pod client ── GET /object/N ──► pod web (web server + tap) ──VXLAN──► pod sensor (Suricata, AF_PACKET on eth0)
 *          └───────────────── bridge of one node, MTU 1500 ────────────────────┘
 * ```
 */
import { join } from 'node:path'
import { isolated } from '../../lab/kubelet/command-line.ts'
import type { Lab } from '../../lab/network/lab.ts'
import { sentAgain } from '../../lab/network/tcp-counters.ts'
import { bodyBytes } from '../support/suricata/content.ts'
import { readEve, type Seen } from '../support/suricata/eve.ts'
import { Program } from './program.ts'
import { startSuricata } from './suricata.ts'

export const transfers = 200
/** Ten a second, 16 Mbit/s: what is lost is then lost for its content, not for lack of processor time. */
const everyMs = 100
const progressEvery = 50
const port = 80
const readyWithinMs = 15_000
const transferWithinMs = 30_000

/** What the injector gives its sidecar. */
const securityContext = {
  runAsUser: 0,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
}

/** What docs/sensors.md gives the init container of the sensor's pod. */
const prepareContext = {
  ...securityContext,
  capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'BPF'] },
}
const vxtap = join(import.meta.dirname, '../../bin/vxtap')

export interface Tap {
  readonly name: string
  readonly argv: (sensor: string) => readonly string[]
  readonly environment: (sensor: string) => Readonly<Record<string, string>>
  /** What it says when it is capturing. */
  readonly ready: RegExp
  /** Whether the sensor's pod is prepared for merged datagrams before Suricata starts. */
  readonly prepared: boolean
  /** Whether the pods leave segmentation and checksums to the network card, as Linux does unless told otherwise. */
  readonly offloading: boolean
}

export interface Outcome extends Seen {
  readonly tap: string
  /** Segments that the web server and the client sent again. */
  readonly retransmitted: number
  /** What the tap said of itself when it ended. */
  readonly account: string
}

export interface ScenarioOptions {
  readonly lab: Lab
  readonly rootFileSystem: string
  /** Below the sandbox's own /run. */
  readonly directory: string
  readonly say: (sentence: string) => void
}

export async function runScenario(tap: Tap, options: ScenarioOptions): Promise<Outcome> {
  const web = await options.lab.pod('web')
  const client = await options.lab.pod('client')
  const sensor = await options.lab.pod('sensor')
  try {
    if (tap.prepared)
      options.say((await sensor.exec(isolated([vxtap, 'prepare-sensor'], prepareContext, undefined))).trim())
    const suricata = await startSuricata(sensor, options.rootFileSystem, join(options.directory, tap.name))
    const script = (name: string) => [
      process.execPath,
      ...process.execArgv,
      join(import.meta.dirname, '../support/suricata', name),
    ]
    if (!tap.offloading) for (const pod of [web, client]) await pod.offload({ tx: 'off', tso: 'off', gso: 'off' })
    const server = new Program('the web server', web.spawn([...script('web.ts'), String(port)]))
    await server.says(/listening/, readyWithinMs)
    const tapping = new Program(
      tap.name,
      web.spawn(isolated(tap.argv(sensor.address4), securityContext, undefined), {
        env: { ...process.env, ...tap.environment(sensor.address4) },
      }),
    )
    await tapping.says(tap.ready, readyWithinMs)
    options.say(`${tap.name}: ${transfers} transfers of ${bodyBytes} bytes, one every ${everyMs} ms`)
    const fetching = new Program(
      'the client',
      client.spawn([...script('client.ts'), web.address4, String(port), String(transfers), String(everyMs)]),
    )
    for (let done = progressEvery; done <= transfers; done += progressEvery) {
      await fetching.says(new RegExp(`^${done - 1}$`, 'm'), progressEvery * everyMs + transferWithinMs)
      options.say(`${tap.name}: ${done} done`)
    }
    await fetching.ends(transferWithinMs)
    await tapping.stop('SIGTERM')
    const seen = readEve(await suricata.stop(), transfers, port)
    const retransmitted = sentAgain(await Promise.all([web, client].map((pod) => pod.exec(['cat', '/proc/net/snmp']))))
    const account = /stopped: ([^"\n]*)/.exec(tapping.text)?.[1] ?? 'nothing'
    return { tap: tap.name, retransmitted, account, ...seen }
  } finally {
    for (const pod of [web, client, sensor]) await pod.remove()
  }
}
