/** The sidecar as a process in a lab pod, with the capabilities of its container: NET_RAW and nothing else. */
import type { ChildProcess } from 'node:child_process'
import { get } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { LabPod } from '../../lab/network/pod.ts'
import { connectTcp } from './netns-sockets.ts'
import { until } from './netns-until.ts'

const vxtap = fileURLToPath(new URL('../../bin/vxtap', import.meta.url))
const metricsPort = 14789
const startTimeoutMs = 30_000

export interface SidecarStart {
  readonly env: Readonly<Record<string, string>>
  /** What runs instead of `bin/vxtap sidecar`. */
  readonly program?: readonly string[]
  /** `+net_raw` unless given; '' for none. */
  readonly capabilities?: string
}

/** Values of the metrics page by name, labels included: `vxtap_dropped_frames_total{reason="no_sensor"}`. */
export type Metrics = ReadonlyMap<string, number>

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class SidecarProcess {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly #pod: LabPod
  #said = ''

  constructor(pod: LabPod, start: SidecarStart) {
    this.#pod = pod
    const capabilities = start.capabilities ?? ',+net_raw'
    this.child = pod.spawn(
      [
        'setpriv',
        `--bounding-set=-all${capabilities}`,
        '--inh-caps=-all',
        '--no-new-privs',
        ...(start.program ?? [vxtap, 'sidecar']),
      ],
      {
        env: { METRICS_ADDRESS: `127.0.0.1:${metricsPort}`, ...start.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8')
      stream?.on('data', (text: string) => {
        this.#said += text
      })
    }
    this.ended = new Promise((resolve) => this.child.once('close', (code, signal) => resolve({ code, signal })))
  }

  /** Everything that it has written to standard output and standard error. */
  get said(): string {
    return this.#said
  }

  untilSaid(text: string): Promise<true> {
    return until(`the sidecar to say "${text}"`, () => this.#said.includes(text))
  }

  /** Asks the metrics server inside the pod, over its loopback interface, so that eth0 carries nothing of it. */
  request(path: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const createConnection = () => connectTcp(this.#pod.namespace, 4, '127.0.0.1', metricsPort)
      const request = get({ path, createConnection, headers: { connection: 'close' } }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (more: string) => {
          text += more
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
      request.on('error', reject)
    })
  }

  async metrics(): Promise<Metrics> {
    const { text } = await this.request('/metrics')
    const samples = [...text.matchAll(/^([a-z_]+(?:\{[^}]*\})?) (\S+)$/gm)]
    return new Map(samples.map(([, name, value]) => [name!, Number(value)]))
  }

  /** Waits until the interface is captured and, unless told otherwise, a sensor is known. */
  async ready(path: '/readyz' | '/healthz' = '/readyz'): Promise<this> {
    await until(
      `the sidecar's ${path}`,
      async () => {
        if (this.child.exitCode !== null) throw new Error(`it ended with code ${this.child.exitCode}: ${this.#said}`)
        return (await this.request(path)).status === 200
      },
      startTimeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it said: ${this.#said}`)
    })
    return this
  }

  /** Waits for a state of the counters, which are handed to `holds`. */
  untilMetrics(what: string, holds: (counters: Counted) => boolean): Promise<Counted> {
    return until(what, async () => {
      const counters = counted(await this.metrics())
      if (holds(counters)) return counters
      throw new Error(JSON.stringify(counters))
    })
  }

  /** Waits until everything captured is sent or counted as dropped, and nothing more comes. */
  async settled(): Promise<Metrics> {
    let before = -1
    await this.untilMetrics('everything captured to be sent, and nothing more to come', (now) => {
      const quiet = now.captured === before && now.captured === now.sent + now.droppedTotal
      before = now.captured
      return quiet
    })
    return this.metrics()
  }

  /** Ends it as a kubelet does; resolves when everything captured before is sent. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }
}

export interface Counted {
  readonly captured: number
  readonly sent: number
  /** By reason; reasons with 0 are left out. */
  readonly dropped: Readonly<Record<string, number>>
  readonly droppedTotal: number
}

export function counted(metrics: Metrics): Counted {
  const dropped: Record<string, number> = {}
  let droppedTotal = 0
  for (const [name, value] of metrics) {
    const reason = /^vxtap_dropped_frames_total\{reason="([^"]+)"\}$/.exec(name)?.[1]
    if (reason === undefined || value === 0) continue
    dropped[reason] = value
    droppedTotal += value
  }
  return {
    captured: metrics.get('vxtap_captured_frames_total') ?? Number.NaN,
    sent: metrics.get('vxtap_sent_frames_total') ?? Number.NaN,
    dropped,
    droppedTotal,
  }
}

/** The counters of the log's last line, which is written when everything is sent: `stopped: captured 3 frames, ...`. */
export function countedAtStop(said: string): Counted {
  const line = /stopped: captured (\d+) frames, sent (\d+), dropped (\d+)(?: \(([^)]*)\))?/.exec(said)
  if (line === null) throw new Error(`it did not say what it had done: ${said}`)
  const reasons = (line[4] ?? '').split(', ').filter((text) => text !== '')
  return {
    captured: Number(line[1]),
    sent: Number(line[2]),
    dropped: Object.fromEntries(
      reasons.map((text) => [text.slice(0, text.indexOf(' ')), Number(text.slice(text.indexOf(' ')))]),
    ),
    droppedTotal: Number(line[3]),
  }
}

/** Starts the sidecar in a pod towards a sensor; every setting may be overridden. */
export function startSidecar(pod: LabPod, start: SidecarStart): SidecarProcess {
  return new SidecarProcess(pod, start)
}
