/** The API server over kept-alive connections: where kubectl, a process for each call, would be the slowest part. */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { dirname, join } from 'node:path'

interface KubeConfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ]
  readonly users: readonly [{ readonly user: { readonly token: string } }]
}

export interface Answer {
  readonly status: number
  readonly text: string
}

export interface Api {
  call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer>
  close(): void
}

/** Preconditions: the kubeconfig is the test cluster's, which is JSON and has a token. */
export function openApi(): Api {
  const config = JSON.parse(readFileSync(process.env['KUBECONFIG'] ?? '', 'utf8')) as KubeConfig
  const { server, 'certificate-authority-data': authority } = config.clusters[0].cluster
  const agent = new Agent({ keepAlive: true, ca: Buffer.from(authority, 'base64') })
  const authorization = `Bearer ${config.users[0].user.token}`
  return {
    call: (method, path, body) =>
      new Promise((resolve, reject) => {
        const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
        const headers = { authorization, 'content-type': type }
        const outgoing = request(new URL(server + path), { method, agent, headers }, (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('error', reject)
          incoming.on('end', () =>
            resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          )
        })
        outgoing.on('error', reject)
        outgoing.end(body === undefined ? undefined : JSON.stringify(body))
      }),
    close: () => agent.destroy(),
  }
}

export async function getJson<T>(api: Api, path: string): Promise<T> {
  const { status, text } = await api.call('GET', path)
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${text.slice(0, 300)}`)
  return JSON.parse(text) as T
}

/** The sum of a metric of the API server over all series that have these labels. */
export async function apiServerMetric(api: Api, name: string, ...labels: readonly string[]): Promise<number> {
  const { text } = await api.call('GET', '/metrics')
  const series = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((one) => line.includes(one)))
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** Why webhooks were passed over, as the API server's log has it, each sentence with how often it came. */
export function failOpenReasons(since: number): readonly string[] {
  const file = join(dirname(process.env['API_SERVER_PID_FILE'] ?? ''), 'log/kube-apiserver')
  const count = new Map<string, number>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const match = /^\w\d{4} (?<time>[\d:.]+) .*[Ff]ailed calling webhook, failing open (?<reason>.*)$/.exec(line)
    if (!match?.groups) continue
    const at = Date.parse(`${new Date(since).toISOString().slice(0, 11)}${match.groups['time']?.slice(0, 12)}Z`)
    if (at < since) continue
    const reason = (match.groups['reason'] ?? '').replaceAll(/\d+\.\d+\.\d+\.\d+:\d+|20\d\d-[-\dT:Z]+/g, '*')
    const key = `${Math.round((at - since) / 1000)} s: ${reason}`
    count.set(key, (count.get(key) ?? 0) + 1)
  }
  return [...count].map(([reason, times]) => `${times} x at ${reason}`)
}
