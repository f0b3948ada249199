/**
 * What a sidecar costs that has nothing to do: its start, its memory, and its CPU while idle, of the bundle as the image runs
 * it, in a pod's network namespace with NET_RAW alone, its sensor found by label through an API server over TLS.
 *
 * CPU is the scheduler's own account (/proc/PID/task/ID/schedstat, nanoseconds).
 */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { type ApiServer, startApiServer } from '../lab/apiserver/server.ts'
import { serviceAccountDirectory } from '../lab/kubelet/command-line.ts'
import { controlPlane, Lab } from '../lab/network/lab.ts'
import type { LabPod } from '../lab/network/pod.ts'
import { residentMb } from './kernel-counters.ts'
import { bundle } from './programs.ts'
import type { SidecarFigures } from './results.ts'

/** By then it has found its sensor, and V8 has cleaned up behind the start. */
const restMs = 4000

function cpuSeconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return (
    tasks.reduce(
      (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
      0,
    ) / 1e9
  )
}

function untilSaid(child: ChildProcess, wanted: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += chunk
      if (text.includes(wanted)) resolve()
    })
    child.once('exit', (code) =>
      reject(new Error(`the sidecar ended with ${code} before it said "${wanted}": ${text}`)),
    )
  })
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

function start(web: LabPod, api: ApiServer): ChildProcess {
  const least = ['setpriv', '--bounding-set=-all,+net_raw', '--inh-caps=-all', '--no-new-privs']
  return web.spawn([...least, process.execPath, bundle, 'sidecar'], {
    env: {
      ...process.env,
      SENSOR: 'sensor',
      KUBERNETES_SERVICE_HOST: api.host,
      KUBERNETES_SERVICE_PORT: String(api.port),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

export async function measureSidecar(starts: number, idleSeconds: number): Promise<SidecarFigures> {
  const lab = await Lab.create()
  const api = await startApiServer({ host: controlPlane.address4, namespaces: ['bench'] })
  try {
    const web = await lab.pod('web')
    await announce(api, await lab.pod('sensor'))
    const startMs: number[] = []
    let sidecar: ChildProcess | undefined
    for (let run = 0; run < starts; run++) {
      sidecar?.kill('SIGKILL')
      const begun = performance.now()
      sidecar = start(web, api)
      await untilSaid(sidecar, 'capturing eth0')
      startMs.push(performance.now() - begun)
    }
    const pid = sidecar?.pid ?? 0
    await setTimeout(restMs)
    const before = cpuSeconds(pid)
    await setTimeout(idleSeconds * 1000)
    const idleCpuPercent = ((cpuSeconds(pid) - before) / idleSeconds) * 100
    return { startMs, idleCpuPercent, idleSeconds, residentMb: residentMb(pid) }
  } finally {
    await api.close()
    await lab.close()
  }
}
