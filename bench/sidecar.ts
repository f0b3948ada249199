/**
 * What the sidecar costs: `make bench`. Start time, resident memory and CPU, idle and at the generator's full rate, with
 * datagrams one by one and in batches, of the bundle as the image runs it, in a pod's network namespace with NET_RAW alone,
 * its sensor found by label through an API server over TLS: what a tapped pod pays. Bounded: a minute and a half.
 *
 * CPU is the scheduler's own account (/proc/PID/task/ID/schedstat, nanoseconds). Figures are of this machine and this
 * moment; the table names both.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ApiServer, startApiServer } from '../lab/apiserver/server.ts'
import { serviceAccountDirectory } from '../lab/kubelet/command-line.ts'
import { controlPlane, Lab } from '../lab/network/lab.ts'
import type { LabPod } from '../lab/network/pod.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const bundle = `${root}dist/vxtap.mjs`
const flood = `${root}bench/udp-flood.ts`
const idleSeconds = 10
const floodSeconds = 4
/** Until V8 has compiled what is hot. */
const warmUpSeconds = 2
const sizes = [64, 512, 1400]
const port = 9999
const nobody = '02:00:00:00:be:ef'

function cpuSeconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return (
    tasks.reduce(
      (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
      0,
    ) / 1e9
  )
}

function residentMb(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1]) / 1024
}

function line(child: ChildProcess, wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += chunk
      if (text.includes(wanted)) resolve(text)
    })
    child.once('exit', (code) =>
      reject(new Error(`the sidecar ended with ${code} before it said "${wanted}": ${text}`)),
    )
  })
}

async function metrics(pod: LabPod): Promise<Map<string, number>> {
  const script = `fetch('http://127.0.0.1:14789/metrics').then(async (r) => process.stdout.write(await r.text()))`
  const text = await pod.exec([process.execPath, '-e', script])
  return new Map([...text.matchAll(/^(\S+) (\S+)$/gm)].map((match) => [match[1]!, Number(match[2])]))
}

function row(name: string, value: string, bar = ''): void {
  process.stdout.write(`${name.padEnd(44)} ${value.padStart(14)}   ${bar}\n`)
}

function flooded(client: LabPod, web: LabPod, bytes: number, seconds: number, rate: number): Promise<string> {
  return client.exec(
    [process.execPath, flood, web.address4, String(port), String(bytes), String(seconds), '64', String(rate)],
    { timeoutMs: 60_000 },
  )
}

/** @returns CPU microseconds a frame */
async function load(
  client: LabPod,
  web: LabPod,
  pid: number,
  bytes: number,
  rate: number,
  how: string,
): Promise<number> {
  const before = await metrics(web)
  const cpu = cpuSeconds(pid)
  let peak = 0
  const sampler = setInterval(() => {
    peak = Math.max(peak, residentMb(pid))
  }, 100)
  await flooded(client, web, bytes, floodSeconds, rate)
  await setTimeout(300)
  clearInterval(sampler)
  const used = cpuSeconds(pid) - cpu
  const after = await metrics(web)
  const delta = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  const captured = delta('vxtap_captured_frames_total')
  const sent = delta('vxtap_sent_frames_total')
  const what = `${how}, UDP ${bytes} B, ${rate === 0 ? 'full rate' : `${rate / 1000} kpps`}`
  row(
    `${what}: mirrored`,
    `${(sent / floodSeconds / 1000).toFixed(0)} kpps`,
    `${captured - sent} of ${captured} frames dropped`,
  )
  row(`${what}: CPU per frame`, `${((used / sent) * 1e6).toFixed(2)} us`)
  row(`${what}: resident memory`, `${peak.toFixed(1)} MB`, 'bar: under 72 MB with a ring of 8 MiB')
  return (used / sent) * 1e6
}

/** The sensor as the API tells of it, and the files that the sidecar asks with; /run is the sandbox's own. */
async function announce(api: ApiServer, sensor: LabPod): Promise<void> {
  api.grant({ serviceAccount: 'bench/*', namespace: 'bench', verbs: ['get', 'list', 'watch'], resource: 'pods' })
  await api.pods.create({
    metadata: { name: 'sensor', namespace: 'bench', labels: { run: 'sensor' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'sensor', image: 'none' }] },
  })
  await api.pods.setStatus('bench', 'sensor', {
    phase: 'Running',
    podIP: sensor.address4,
    podIPs: [{ ip: sensor.address4 }],
    conditions: [{ type: 'Ready', status: 'True' }],
  })
  mkdirSync(serviceAccountDirectory, { recursive: true })
  writeFileSync(`${serviceAccountDirectory}/ca.crt`, api.ca)
  writeFileSync(`${serviceAccountDirectory}/namespace`, 'bench')
  writeFileSync(`${serviceAccountDirectory}/token`, api.issueToken('bench/default'))
}

const lab = await Lab.create()
const api = await startApiServer({ host: controlPlane.address4, namespaces: ['bench'] })
try {
  const web = await lab.pod('web')
  const client = await lab.pod('client')
  const sensor = await lab.pod('sensor')
  await announce(api, sensor)
  // What is sent goes as far as the sensor's eth0, which drops it as somebody else's: batches stay whole all the way.
  await web.namespace.ip([`neighbour replace ${sensor.address4} lladdr ${nobody} dev eth0 nud permanent`])
  await sensor.node.namespace.exec(['bridge', 'fdb', 'add', nobody, 'dev', sensor.nodeInterface, 'master', 'static'])
  process.stdout.write(
    `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Linux ${readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()}, Node ${process.version}\n\n`,
  )
  const argv = [
    'setpriv',
    '--bounding-set=-all,+net_raw',
    '--inh-caps=-all',
    '--no-new-privs',
    process.execPath,
    bundle,
    'sidecar',
  ]
  const start = async (batch: string): Promise<ChildProcess> => {
    const child = web.spawn(argv, {
      env: {
        ...process.env,
        SENSOR: 'sensor',
        BATCH: batch,
        KUBERNETES_SERVICE_HOST: api.host,
        KUBERNETES_SERVICE_PORT: String(api.port),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await line(child, 'capturing eth0')
    return child
  }
  const starts: number[] = []
  let sidecar: ChildProcess | undefined
  for (let run = 0; run < 5; run++) {
    sidecar?.kill('SIGKILL')
    const begun = performance.now()
    sidecar = await start('auto')
    starts.push(performance.now() - begun)
  }
  starts.sort((a, b) => a - b)
  row('start to capturing (median of 5)', `${starts[2]!.toFixed(0)} ms`, 'bar: under 500 ms')
  const pid = sidecar!.pid!
  await setTimeout(4_000)
  const idle = cpuSeconds(pid)
  await setTimeout(idleSeconds * 1000)
  row(
    `idle CPU over ${idleSeconds} s`,
    `${(((cpuSeconds(pid) - idle) / idleSeconds) * 100).toFixed(2)} %`,
    'bar: under 0.5 % of a core',
  )
  row('idle resident memory', `${residentMb(pid).toFixed(1)} MB`)
  const costs = new Map<string, number>()
  for (const batch of ['mmsg', 'gso']) {
    sidecar?.kill('SIGKILL')
    sidecar = await start(batch)
    await flooded(client, web, 512, warmUpSeconds, 0)
    await load(client, web, sidecar.pid!, 64, 30_000, batch)
    for (const bytes of sizes) costs.set(`${batch} ${bytes}`, await load(client, web, sidecar.pid!, bytes, 0, batch))
  }
  for (const bytes of sizes) {
    const ratio = costs.get(`gso ${bytes}`)! / costs.get(`mmsg ${bytes}`)!
    row(`UDP ${bytes} B, full rate: gso against mmsg`, ratio.toFixed(2))
  }
  sidecar?.kill('SIGTERM')
} finally {
  await api.close()
  await lab.close()
}
