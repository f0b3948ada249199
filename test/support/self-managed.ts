/** Injectors that keep their certificates themselves, over real HTTPS, on the lab's API server. */
import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { readInjectorSettings } from '../../contract/injector-settings.ts'
import type { CertificateLives } from '../../injector/certificates/plan.ts'
import { keepSelfManaged } from '../../injector/certificates/self-managed.ts'
import { createStore } from '../../injector/certificates/store.ts'
import { type RunningInjector, startInjector, withoutCluster } from '../../injector/start.ts'
import type { Grant } from '../../lab/apiserver/access.ts'
import { type ApiServer, startApiServer } from '../../lab/apiserver/server.ts'

export const names = { namespace: 'vxtap', webhook: 'vxtap' }
export const servedName = 'vxtap.vxtap.svc'
const store = 'vxtap-certificates'
const account = 'vxtap/vxtap'

/** What the chart's Role and ClusterRole allow. */
export const grants: readonly Grant[] = [
  {
    serviceAccount: account,
    namespace: 'vxtap',
    resource: 'secrets',
    verbs: ['get', 'list', 'watch', 'patch'],
    names: [store],
  },
  { serviceAccount: account, namespace: 'vxtap', resource: 'leases', verbs: ['get', 'patch'], names: [store] },
  {
    serviceAccount: account,
    namespace: '*',
    resource: 'mutatingwebhookconfigurations',
    verbs: ['get', 'list', 'watch', 'patch'],
    names: ['vxtap'],
  },
]

export interface Replica extends RunningInjector {
  readonly log: readonly Record<string, unknown>[]
  ready(): Promise<{ readonly status: number; readonly text: string }>
  metric(series: string): Promise<number>
}

export interface Scene {
  readonly api: ApiServer
  /** `caBundle` of the first webhook, as the API server has it, in PEM. */
  bundle(): string
  secret(): Record<string, string>
  /** Writes into the Secret as somebody else would; null takes a key away. */
  patchSecret(data: Record<string, string | null>): Promise<void>
  patchBundle(pem: string): void
  /** @param drainSeconds how long it goes on answering at most when it is stopped */
  replica(otherLives?: CertificateLives, drainSeconds?: string): Promise<Replica>
  /** A new connection to it, verified as the API server would. @throws where the certificate is not trusted */
  call(replica: Replica): Promise<number>
  close(): Promise<void>
}

/** The chart's objects, empty, with as many rights as are given. */
export async function openScene(
  lives: CertificateLives,
  rights: readonly Grant[] = grants,
  withLease = true,
): Promise<Scene> {
  const api = await startApiServer({ namespaces: ['vxtap'] })
  for (const grant of rights) api.grant(grant)
  const clientConfig = { service: { name: 'vxtap', namespace: 'vxtap', path: '/mutate' } }
  const webhook = { clientConfig, admissionReviewVersions: ['v1'], sideEffects: 'None', rules: [] }
  await api.webhooks.create({
    metadata: { name: 'vxtap' },
    webhooks: ['pod', 'namespace'].map((name) => ({ ...webhook, name: `${name}.inject.vxtap.io` })),
  })
  const admin = new Agent({ ca: api.ca })
  const send = (method: string, path: string, body: object, type = 'application/json'): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${api.adminToken}`, 'content-type': type }
      const outgoing = request(new URL(api.url + path), { method, agent: admin, headers }, (incoming) => {
        incoming.resume()
        if ((incoming.statusCode ?? 500) < 300) incoming.on('end', resolve)
        else reject(new Error(`${method} ${path}: ${incoming.statusCode}`))
      })
      outgoing.on('error', reject)
      outgoing.end(JSON.stringify(body))
    })
  const secrets = '/api/v1/namespaces/vxtap/secrets'
  let secret: Record<string, string> = {}
  api.on('secrets', ({ object }) => {
    secret = (object['data'] as Record<string, string> | undefined) ?? {}
  })
  await send('POST', secrets, { metadata: { name: store } })
  if (withLease)
    await send('POST', '/apis/coordination.k8s.io/v1/namespaces/vxtap/leases', { metadata: { name: store } })

  const running: Replica[] = []
  const webhooks = () => api.webhooks.get('', 'vxtap').webhooks ?? []
  const scene: Scene = {
    api,
    bundle: () => Buffer.from(webhooks()[0]?.clientConfig.caBundle ?? '', 'base64').toString(),
    secret: () => secret,
    patchSecret: (data) => send('PATCH', `${secrets}/${store}`, { data }, 'application/merge-patch+json'),
    patchBundle: (pem) => {
      const caBundle = Buffer.from(pem).toString('base64')
      const changed = webhooks().map((one) => ({ ...one, clientConfig: { ...one.clientConfig, caBundle } }))
      api.webhooks.patch('', 'vxtap', { webhooks: changed })
    },
    async replica(otherLives = lives, drainSeconds = '0') {
      const replica = await start(api, otherLives, drainSeconds)
      running.push(replica)
      return replica
    },
    call: (replica) =>
      new Promise((resolve, reject) => {
        const options = {
          host: '127.0.0.1',
          port: replica.port,
          servername: servedName,
          path: '/',
          agent: false as const,
        }
        const outgoing = request({ ...options, ca: scene.bundle() }, (incoming) => {
          incoming.resume()
          incoming.on('end', () => resolve(incoming.statusCode ?? 0))
        })
        outgoing.on('error', reject)
        outgoing.end()
      }),
    async close() {
      await Promise.all(running.map((replica) => replica.stop()))
      admin.destroy()
      await api.close()
    },
  }
  return scene
}

async function start(api: ApiServer, lives: CertificateLives, drainSeconds: string): Promise<Replica> {
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'lab', server: api.url, caData: Buffer.from(api.ca).toString('base64') }],
    users: [{ name: 'vxtap', token: api.issueToken(account) }],
    contexts: [{ name: 'lab', cluster: 'lab', user: 'vxtap' }],
    currentContext: 'lab',
  })
  const read = readInjectorSettings({
    IMAGE: 'example.com/vxtap:9.9.9',
    LISTEN_ADDRESS: '127.0.0.1:0',
    METRICS_ADDRESS: '127.0.0.1:0',
    DRAIN_SECONDS: drainSeconds,
  })
  if (!read.ok) throw new Error(read.problems.join('\n'))
  const log: Record<string, unknown>[] = []
  const injector = await startInjector({
    version: '9.9.9',
    settings: read.settings,
    certificates: (use, logger, metrics) =>
      keepSelfManaged({ store: createStore(kubeConfig, names), names, lives, log: logger, metrics }, use),
    log: pino({}, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
    connect: withoutCluster,
  })
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${injector.metricsPort}${path}`)
  let stopped: Promise<void> | undefined
  return {
    ...injector,
    log,
    stop() {
      stopped ??= injector.stop()
      return stopped
    },
    async ready() {
      const reply = await get('/readyz')
      return { status: reply.status, text: await reply.text() }
    },
    async metric(series) {
      const line = (await (await get('/metrics')).text()).split('\n').find((one) => one.startsWith(`${series} `))
      if (line === undefined) throw new Error(`there is no ${series}`)
      return Number(line.slice(series.length))
    },
  }
}

/** @param what ends the sentence "it never came to be that ..." */
export async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    if (await holds()) return
    await sleep(25)
  }
  throw new Error(`after ${seconds} s it never came to be that ${what}`)
}
