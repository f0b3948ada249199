import { beforeAll, expect, it } from 'vitest'
import { sentAgain } from '../../lab/network/tcp-counters.ts'
import { readEve, type Seen } from '../support/suricata/eve.ts'
import { seesEverything } from '../support/suricata/verdict.ts'
import { describeWhere, nodeAccess } from './world/abilities.ts'
import { apply, eventually, exec, type KubeObject, logs, ready } from './world/kubectl.ts'
import { useNamespace } from './world/namespace.ts'
import { firstNode, otherNode } from './world/nodes.ts'
import {
  bringSuricata,
  drained,
  finish,
  started,
  suricataFiles,
  suricataPod,
  transfersContainer,
  transfersPort,
  transfersVolume,
} from './world/suricata.ts'
import { counters, sendsTo } from './world/tap.ts'
import { idleCommand, onNode, optIn, pod } from './world/workloads.ts'

/**
 * ```
 *              node1                                        node2
 *   web-a (tapped) ──VXLAN──► suricata-a
 *   web-b (tapped) ──VXLAN──────────────────────────────► suricata-b
 *     └────────┴────────── GET /object/N, 200 kB ──────── client
 * ```
 */
const namespace = useNamespace('suricata')
const transfers = 200
/** Twenty a second from each of both: 64 Mbit/s in all, so that what is lost is not lost for lack of processor time. */
const everyMs = 50
/** Most of it is waiting for pods, where the machine has other things to do. */
const withinMs = 240_000
const placements = [
  { where: 'the same node', letter: 'a', node: firstNode },
  { where: 'the other node', letter: 'b', node: otherNode },
]

describeWhere(
  nodeAccess,
  'given web servers whose sensor is Suricata 7, when 200 objects of 200 kB are fetched from each',
  () => {
    const seen = new Map<string, Seen>()
    const dropped = new Map<string, number>()
    const retransmitted = new Map<string, number>()

    beforeAll(async () => {
      await bringSuricata()
      const client = { name: 'client', namespace }
      await apply(
        ...suricataFiles(namespace),
        pod(client, transfersContainer(idleCommand), { ...onNode(otherNode), ...transfersVolume }),
        ...placements.map(({ letter, node }) => suricataPod(namespace, `suricata-${letter}`, node)),
        ...placements.map(({ letter }) => web(letter)),
      )
      await ready(namespace, 'client')
      await Promise.all(
        placements.map(async ({ where, letter }) => {
          const server = await tapped(letter)
          const before = await lostBySidecar(server)
          const earlier = await sentAgainByBothEnds(letter)
          const address = server.status.podIP ?? ''
          const numbers = [transfersPort, transfers, everyMs].map(String)
          await exec(namespace, 'client', 'app', ['node', '/transfers/client.ts', address, ...numbers])
          await drained()
          dropped.set(where, (await lostBySidecar(server)) - before)
          retransmitted.set(where, (await sentAgainByBothEnds(letter)) - earlier)
          seen.set(where, readEve(await finish(namespace, `suricata-${letter}`), transfers, transfersPort))
        }),
      )
    }, withinMs)

    it.each(placements)('then Suricata on $where saw each transaction once, and each body whole', ({ where }) => {
      const again = retransmitted.get(where)!
      process.stdout.write(`Suricata on ${where}: ${JSON.stringify(seen.get(where))}; sent again by TCP: ${again}\n`)
      const checks = seesEverything(`Suricata on ${where}`, seen.get(where)!, transfers, again)
      expect(checks.filter(({ passed }) => !passed).map(({ sentence }) => sentence)).toEqual([])
    })

    it.each(placements)('then the sidecar whose Suricata is on $where dropped nothing', ({ where }) => {
      expect(dropped.get(where)).toBe(0)
    })
  },
)

function web(letter: string): object {
  const annotations = { 'vxtap.io/sensor': `suricata-${letter}` }
  const container = transfersContainer(['node', '/transfers/web.ts', String(transfersPort)])
  const metadata = { name: `web-${letter}`, namespace, labels: optIn, annotations }
  return pod(metadata, container, { ...onNode(firstNode), ...transfersVolume })
}

/** The web server's pod, when its sidecar sends to its Suricata, which has started. */
async function tapped(letter: string): Promise<KubeObject> {
  const sensor = await started(namespace, `suricata-${letter}`)
  const server = await ready(namespace, `web-${letter}`)
  await eventually(`web-${letter} listens`, async () =>
    (await logs(namespace, `web-${letter}`, 'app')).includes('listening'),
  )
  await sendsTo(namespace, `web-${letter}`, sensor.status.podIP!)
  return server
}

/** Segments that TCP sent again: the client's are those to either web server. */
async function sentAgainByBothEnds(letter: string): Promise<number> {
  const read = ['node', '-e', "process.stdout.write(require('fs').readFileSync('/proc/net/snmp'))"]
  return sentAgain(await Promise.all([`web-${letter}`, 'client'].map((name) => exec(namespace, name, 'app', read))))
}

async function lostBySidecar(server: KubeObject): Promise<number> {
  return Object.values((await counters(server)).dropped).reduce((sum, count) => sum + count, 0)
}
