/**
 * Where it is measured: three pods on one node.
 *
 *   [client] eth0, MTU 1500 ==== br0 of node-1 ==== eth0, MTU 1600 or 1500 [web]   application and tap
 *    flood, wrk, iperf3               |                                       | VXLAN
 *                                     +====== eth0, MTU 1600 [sensor] <-------+    counting socket
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Lab } from '../lab/network/lab.ts'
import type { LabPod } from '../lab/network/pod.ts'
import { CountingSocket } from './counting-socket.ts'
import { sentSegments } from './kernel-counters.ts'
import type { Place } from './tap.ts'

export const udpPort = 9999
export const httpPort = 8080
export const tcpPort = 5201
const bodyBytes = 1024
const startMs = 200

export interface SceneOptions {
  /** As CountingOptions.sample, for the sensor. */
  readonly sample: number
  /** nginx and iperf3; without them there is UDP alone. */
  readonly servers: boolean
}

export class Scene implements Place {
  readonly lab: Lab
  readonly client: LabPod
  readonly web: LabPod
  readonly sensor: LabPod
  readonly sink: CountingSocket
  /** Process IDs of the application in the tapped pod. */
  readonly app: readonly number[]
  readonly #sample: number
  readonly #folder: string
  #mtu = 1600
  #far: { readonly socket: CountingSocket; readonly cut: boolean } | undefined

  private constructor(
    pods: { readonly lab: Lab; readonly client: LabPod; readonly web: LabPod; readonly sensor: LabPod },
    sink: CountingSocket,
    app: readonly number[],
    sample: number,
    folder: string,
  ) {
    this.lab = pods.lab
    this.client = pods.client
    this.web = pods.web
    this.sensor = pods.sensor
    this.sink = sink
    this.app = app
    this.#sample = sample
    this.#folder = folder
  }

  static async create(options: SceneOptions): Promise<Scene> {
    const lab = await Lab.create({ mtu: 1600 })
    const client = await lab.pod('client', { mtu: 1500 })
    const web = await lab.pod('web')
    const sensor = await lab.pod('sensor')
    // The sandbox's own, and gone with it.
    const folder = mkdtempSync('/run/vxtap-bench-')
    // Everything is counted in the kernel and nothing leaves it, or all of it does where the kernel does not let us.
    const sink = await CountingSocket.open(web, { port: udpPort, sample: options.sample === 1 ? 1 : 0 })
    const app = [sink.pid, ...(options.servers ? await startServers(web, folder) : [])]
    return new Scene({ lab, client, web, sensor }, sink, app, options.sample, folder)
  }

  /** The sensor's socket, opened anew when it is to cut batches and did not, or the other way round. */
  async far(cut: boolean): Promise<CountingSocket> {
    if (this.#far?.cut !== cut) {
      await this.#far?.socket.close()
      this.#far = { cut, socket: await CountingSocket.open(this.sensor, { port: 4789, sample: this.#sample, cut }) }
    }
    return this.#far.socket
  }

  async setMtu(mtu: number): Promise<void> {
    if (mtu === this.#mtu) return
    await this.web.namespace.ip([`link set eth0 mtu ${mtu}`])
    this.#mtu = mtu
  }

  /**
   * Frames of the load that have crossed the tapped pod's eth0: datagrams that its socket got, or TCP's segments in both
   * directions. Nothing else is among them, no neighbour discovery for instance, which taps treat each in its own way.
   */
  async crossed(kind: 'udp' | 'http' | 'tcp'): Promise<number> {
    if (kind === 'udp') return (await this.sink.arrived()).frames
    const tables = await Promise.all([this.client, this.web].map((pod) => pod.exec(['cat', '/proc/net/snmp'])))
    return tables.reduce((sum, table) => sum + sentSegments(table), 0)
  }

  async close(): Promise<void> {
    await this.lab.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** One worker that is its own master, so that one process is all of the application. */
function nginxConfiguration(folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off; master_process off; worker_processes 1; user root; pid ${folder}/nginx.pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 10000000; keepalive_timeout 60s;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen ${httpPort}; location / { return 200 "${'x'.repeat(bodyBytes)}"; } }
}
`
}

async function startServers(web: LabPod, folder: string): Promise<number[]> {
  const configuration = join(folder, 'nginx.conf')
  writeFileSync(configuration, nginxConfiguration(folder))
  const servers = [
    ['nginx', '-p', folder, '-c', configuration],
    ['iperf3', '--server', '--port', String(tcpPort)],
  ].map((argv) => ({ argv, child: web.spawn(argv, { stdio: ['ignore', 'ignore', 'pipe'] }), said: '' }))
  for (const server of servers)
    server.child.stderr?.on('data', (text) => {
      server.said += text
    })
  await setTimeout(startMs)
  for (const { argv, child, said } of servers)
    if (child.exitCode !== null) throw new Error(`${argv.join(' ')} ended with ${child.exitCode}: ${said.trim()}`)
  return servers.map(({ child }) => child.pid ?? 0)
}
