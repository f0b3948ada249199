/**
 * What the webhook costs as a real API server sees it: `make bench-injector-api-server`. Pods are created for a trial (dry
 * run) at a rate, with and without asking for a tap, on a cluster of its own (scripts/cluster.sh); the API server's own
 * histogram of calls to the webhook stands beside the client's latencies. A minute, the cluster's start apart.
 * PODS and RATE change how many, and how many in a second.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release as kernelRelease } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { KubeConfig } from '@kubernetes/client-node'
import { createRest, type Rest } from '../../injector/cluster/rest.ts'
import type { Json } from '../../injector/json.ts'
import { objectAt } from '../../injector/json.ts'
import { run } from '../../lab/network/command.ts'
import { vxtapImage, vxtapRepository } from '../../test/cluster/image/names.ts'
import { between, bucketsOf, observations, quantile } from './histogram.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pods = Number(process.env['PODS'] ?? 2000)
const rate = Number(process.env['RATE'] ?? 100)
const longestSeconds = 25
const namespace = 'bench'
const webhook = 'pod.inject.vxtap.io'
const histogram = 'apiserver_admission_webhook_admission_duration_seconds'
const say = (line: string): boolean => process.stdout.write(`${line}\n`)

const podOf = (labels: Json): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'bench-', labels },
  spec: { containers: [{ name: 'web', image: vxtapImage }] },
})

interface Creations {
  /** Milliseconds, ascending. */
  readonly latencies: readonly number[]
  readonly tapped: number
}

/** Open loop: each is due at its time, and its latency counts from then. */
async function create(rest: Rest, pod: Json, count: number): Promise<Creations> {
  const latencies: number[] = []
  let tapped = 0
  const path = `/api/v1/namespaces/${namespace}/pods`
  const started = performance.now()
  const answers: Promise<void>[] = []
  for (let index = 0; index < count; index++) {
    const due = started + (index * 1000) / rate
    await sleep(Math.max(0, due - performance.now()))
    answers.push(
      rest.post(path, pod, { query: { dryRun: 'All' } }).then((answer) => {
        latencies.push(performance.now() - due)
        if ('vxtap.io/status' in objectAt(answer, 'metadata', 'annotations')) tapped++
      }),
    )
  }
  await Promise.all(answers)
  return { latencies: latencies.sort((a, b) => a - b), tapped }
}

const at = (latencies: readonly number[], share: number): number =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN

async function kubectl(...args: readonly string[]): Promise<string> {
  return run(['kubectl', ...args], { timeoutMs: 100_000 })
}

async function install(): Promise<void> {
  const values = ['--set', `image.repository=${vxtapRepository}`, '--set', 'defaults.sensor=zeek']
  const place = ['--namespace', 'vxtap', '--create-namespace']
  await run(
    ['helm', 'install', 'vxtap', join(root, 'charts/vxtap'), ...place, ...values, '--wait', '--timeout', '90s'],
    {
      timeoutMs: 100_000,
    },
  )
  await kubectl('create', 'namespace', namespace)
  for (let tries = 0; !(await kubectl('-n', namespace, 'get', 'serviceaccount', '-o', 'name')).includes('default'); ) {
    if (++tries > 60) throw new Error(`the namespace ${namespace} gets no service account`)
    await sleep(500)
  }
}

await install()
const kubeConfig = new KubeConfig()
kubeConfig.loadFromFile(process.env['KUBECONFIG'] ?? '')
const rest = createRest(kubeConfig)
const count = Math.min(pods, rate * longestSeconds)
const asking = podOf({ 'vxtap.io/inject': 'true' })
const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Linux ${kernelRelease()}, Node ${process.version}`
const kubernetes = process.env['K8S_VERSION'] ?? ''
say(`${machine}; Kubernetes ${kubernetes}, its two nodes and the client share the cores`)

const read = async () => bucketsOf((await rest.text('/metrics')).text, histogram, [`name="${webhook}"`, 'type="admit"'])
// Connections, and what both ends compile on the way.
for (const pod of [asking, podOf({})]) await create(rest, pod, rate)
const plain = await create(rest, podOf({}), count)
const before = await read()
const tapped = await create(rest, asking, count)
const calls = between(before, await read())
rest.close()

if (tapped.tapped !== count) throw new Error(`${count - tapped.tapped} of ${count} pods came back without a tap`)
if (plain.tapped !== 0) throw new Error(`${plain.tapped} pods that do not ask for a tap came back with one`)
const shares = [0.5, 0.9, 0.99] as const
const seen = shares.map((share) => quantile(calls, share) * 1000)
const row = (what: string, values: readonly number[]): boolean =>
  say(`${what.padEnd(44)}${values.map((value) => value.toFixed(1).padStart(9)).join('')}`)
say(`\n${count} pods at ${rate} a second, dry run (ms)`)
say(`${''.padEnd(44)}${shares.map((share) => `p${share * 100}`.padStart(9)).join('')}`)
row('webhook, as the API server measures it', seen)
row(
  'create, with the tap, at the client',
  shares.map((share) => at(tapped.latencies, share)),
)
row(
  'create, not asking for one, at the client',
  shares.map((share) => at(plain.latencies, share)),
)
say(
  `calls of the webhook: ${observations(calls)}, ${calls.map(({ atMost, count: n }) => `<= ${atMost * 1000} ms: ${n}`).join(', ')}`,
)

const results = shares.flatMap((share, index) => [
  { what: `webhook, API server's histogram, p${share * 100}`, value: seen[index], unit: 'ms' },
  { what: `create with a tap, client, p${share * 100}`, value: at(tapped.latencies, share), unit: 'ms' },
  { what: `create without, client, p${share * 100}`, value: at(plain.latencies, share), unit: 'ms' },
])
const report = { machine, kubernetes, date: new Date().toISOString(), pods: count, perSecond: rate, results }
const file = 'bench/results/injector-api-server.json'
mkdirSync(join(root, 'bench/results'), { recursive: true })
writeFileSync(join(root, file), `${JSON.stringify(report, undefined, 2)}\n`)
say(`\nwritten: ${file}`)
