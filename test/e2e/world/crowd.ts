/** Many sidecars as the API server sees them: the real discovery, each with a connection of its own, in few processes. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apply, kubectl } from './kubectl.ts'

export interface CrowdOrder {
  readonly sidecars: number
  readonly host: string
  readonly port: number
  /** Of service accounts, as the kubelet would mount them; taken in turn. */
  readonly directories: readonly string[]
  readonly sensor: string
  readonly sensorNamespace: string
}

export interface CrowdReport {
  /** For each sidecar what it was told last, and when (milliseconds since the epoch). */
  readonly known: readonly { readonly addresses: readonly string[]; readonly at: number }[]
  readonly requests: readonly (readonly [request: string, result: string, count: number])[]
  /** When each request was made, milliseconds since the epoch. */
  readonly requestsAt: readonly number[]
  /** When each connection had done its TLS handshake. */
  readonly connectionsAt: readonly number[]
  readonly openConnections: number
  /** Of all connections, HTTP's heads included, TLS not. */
  readonly bytesRead: number
  readonly cpuSeconds: number
}

export const isOrder = (message: unknown): message is CrowdOrder =>
  typeof message === 'object' && message !== null && 'sidecars' in message

export class Crowd {
  readonly #processes: readonly ChildProcess[]

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes
  }

  /** @param order whose sidecars are dealt out to so many processes */
  static start(order: CrowdOrder, processes: number): Crowd {
    const program = fileURLToPath(new URL('crowd-process.ts', import.meta.url))
    const children = Array.from({ length: processes }, (_, index) => {
      const child = fork(program, { execArgv: ['--disable-warning=ExperimentalWarning'] })
      const sidecars = Math.floor((order.sidecars + index) / processes)
      child.send({ ...order, sidecars } satisfies CrowdOrder)
      return child
    })
    return new Crowd(children)
  }

  async report(): Promise<CrowdReport> {
    const reports = await Promise.all(
      this.#processes.map(async (child) => {
        const answer = once(child, 'message') as Promise<[CrowdReport]>
        child.send('report')
        return (await answer)[0]
      }),
    )
    const sum = (of: (report: CrowdReport) => number): number => reports.reduce((all, one) => all + of(one), 0)
    return {
      known: reports.flatMap(({ known }) => known),
      requests: reports.flatMap(({ requests }) => requests),
      requestsAt: reports.flatMap(({ requestsAt }) => requestsAt),
      connectionsAt: reports.flatMap(({ connectionsAt }) => connectionsAt),
      openConnections: sum(({ openConnections }) => openConnections),
      bytesRead: sum(({ bytesRead }) => bytesRead),
      cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    }
  }

  stop(): void {
    for (const child of this.#processes) child.kill('SIGKILL')
  }
}

/** Over cells of 100 ms: how many have any of these moments, and how many of them the fullest has. */
export function spreadOf(moments: readonly number[]): { readonly cells: number; readonly fullest: number } {
  const cells = new Map<number, number>()
  for (const at of moments) cells.set(Math.floor(at / 100), (cells.get(Math.floor(at / 100)) ?? 0) + 1)
  return { cells: cells.size, fullest: Math.max(0, ...cells.values()) }
}

/** How often a request ended so. */
export function count({ requests }: CrowdReport, request: string, result: string): number {
  return requests.reduce((all, [kind, ended, times]) => (kind === request && ended === result ? all + times : all), 0)
}

/** Where kubectl reaches the API server, and with which authority's certificate (PEM). */
export async function apiServerAddress(): Promise<{ host: string; port: number; ca: string }> {
  const config = JSON.parse(await kubectl(['config', 'view', '--raw', '--minify', '-o', 'json'])) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }]
  }
  const { cluster } = config.clusters[0]
  const { hostname, port } = new URL(cluster.server)
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || 443),
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64').toString(),
  }
}

/** Makes service accounts, and for each a directory as the kubelet mounts it. */
export async function mountAccounts(
  folder: string,
  namespace: string,
  names: readonly string[],
  ca: string,
): Promise<string[]> {
  await apply(...names.map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } })))
  return Promise.all(
    names.map(async (name) => {
      const directory = join(folder, name)
      mkdirSync(directory)
      writeFileSync(join(directory, 'token'), await kubectl(['-n', namespace, 'create', 'token', name]))
      writeFileSync(join(directory, 'ca.crt'), ca)
      writeFileSync(join(directory, 'namespace'), namespace)
      return directory
    }),
  )
}
