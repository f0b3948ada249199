/** A real Suricata as the sensor's pod, and the web server and client whose transfers it is judged by. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suricataImage } from '../../cluster/image/names.ts'
import { suricataArchive } from '../../cluster/image/suricata.ts'
import { complains, configuration, suricataCommand } from '../../support/suricata/suricata.ts'
import { image } from './images.ts'
import { eventually, exec, getObject, type KubeObject, logs, ready } from './kubectl.ts'
import { importEverywhere } from './nodes.ts'
import { idleCommand, onNode } from './workloads.ts'

const folder = '/run/suricata'
/** By then the sidecar's ring has been handed over, and Suricata has worked off what it got. */
const drainMs = 2_000

/** Gives the nodes Suricata's image, which other scenarios need not wait for. */
export async function bringSuricata(): Promise<void> {
  const root = process.env['SURICATA_ROOT']
  if (!root) throw new Error('the cluster was not started by scripts/cluster.sh: SURICATA_ROOT is not set')
  await importEverywhere(await suricataArchive(root))
}

const configMap = (namespace: string, name: string, data: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
})

const programs = ['content.ts', 'web.ts', 'client.ts']
const source = (name: string): string => readFileSync(join(import.meta.dirname, '../../support/suricata', name), 'utf8')

/** What the pods read: Suricata's settings, and the programs of both ends. */
export const suricataFiles = (namespace: string): object[] => [
  configMap(namespace, 'suricata', configuration),
  configMap(namespace, 'transfers', {
    ...Object.fromEntries(programs.map((name) => [name, source(name)])),
    'package.json': '{ "type": "module" }',
  }),
]

/** A packet socket is open: the header of the kernel's list is followed by a line. */
const capturing = 'exec </proc/net/packet; read -r _; read -r _'

/**
 * Suricata on the pod's eth0, NET_RAW for its packet sockets and NET_ADMIN to turn off offloading of its own interface;
 * beside it a container that can read its log when it has ended.
 */
export const suricataPod = (namespace: string, name: string, node: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { run: name } },
  spec: {
    ...onNode(node),
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 2,
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'suricata',
        image: suricataImage,
        command: suricataCommand('/config', folder),
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'], add: ['NET_RAW', 'NET_ADMIN'] },
        },
        readinessProbe: { exec: { command: ['sh', '-c', capturing] }, periodSeconds: 1 },
        volumeMounts: [
          { name: 'config', mountPath: '/config', readOnly: true },
          { name: 'logs', mountPath: folder },
        ],
      },
      {
        name: 'reader',
        image,
        command: idleCommand,
        volumeMounts: [{ name: 'logs', mountPath: folder, readOnly: true }],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: 'suricata' } },
      { name: 'logs', emptyDir: {} },
    ],
  },
})

export const transfersPort = 8080

/** A container with the programs of both ends. */
export const transfersContainer = (command: readonly string[]): object => ({
  name: 'app',
  image,
  command,
  volumeMounts: [{ name: 'transfers', mountPath: '/transfers', readOnly: true }],
})

export const transfersVolume = { volumes: [{ name: 'transfers', configMap: { name: 'transfers' } }] }

/** Its pod, when it has started with no complaint and captures. */
export async function started(namespace: string, sensor: string): Promise<KubeObject> {
  const said = await eventually(`${sensor} has started, or given up`, async () => {
    const state = await stateOf(namespace, sensor)
    if (state?.['waiting'] !== undefined) return false
    const text = await logs(namespace, sensor, 'suricata')
    return (text.includes('Engine started') || state?.['terminated'] !== undefined) && text
  })
  if (complains(said)) throw new Error(`${sensor} started with complaints, or not at all: ${said.trim()}`)
  return ready(namespace, sensor)
}

const stateOf = async (namespace: string, sensor: string) =>
  (await getObject(namespace, 'pod', sensor)).status.containerStatuses?.find(({ name }) => name === 'suricata')?.state

/** Comes back when it has worked off what was sent before the call. */
export const drained = (): Promise<void> => sleep(drainMs)

/** Ends it, and gives its EVE log, a JSON object a line. */
export async function finish(namespace: string, sensor: string): Promise<string> {
  await exec(namespace, sensor, 'suricata', ['sh', '-c', 'kill -INT 1'])
  const code = await eventually(`${sensor} has ended`, async () => {
    return (await stateOf(namespace, sensor))?.['terminated']?.exitCode
  })
  if (code !== 0) throw new Error(`Suricata ended with ${code}: ${await logs(namespace, sensor, 'suricata')}`)
  const read = `process.stdout.write(require('fs').readFileSync('${folder}/eve.json'))`
  return exec(namespace, sensor, 'reader', ['node', '-e', read])
}
