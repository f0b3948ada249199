/** Both sides of the comparison, gathered: what dumpcap saw outside of the pod, and what the sensors wrote. */
import { readFile } from 'node:fs/promises'
import type { PodWorker } from '../lab/kubelet/pod-worker.ts'
import { type CapturedFrame, readCapture } from '../wire/pcap.ts'
import { workload } from './cluster.ts'
import { type CompareOptions, type Comparison, compare, type Frame } from './compare/compare.ts'
import { type Layers, layersOf, tcpProtocol, udpProtocol } from './compare/layers.ts'

const nsPerMs = 1_000_000n

export async function readFrames(file: string): Promise<Frame[]> {
  return readCapture(await readFile(file)).frames.map(toFrame)
}

export function toFrame(frame: CapturedFrame): Frame {
  return { bytes: frame.data, timeMs: Number(frame.timestampNs / 1000n) / Number(nsPerMs / 1000n) }
}

export const kinds = ['TCP', 'UDP', 'ICMP', 'ARP and other'] as const
export type Kind = (typeof kinds)[number]

function kindOf(layers: Layers | undefined): Kind {
  if (layers?.protocol === tcpProtocol) return 'TCP'
  if (layers?.protocol === udpProtocol) return 'UDP'
  return layers?.protocol === 1 || layers?.protocol === 58 ? 'ICMP' : 'ARP and other'
}

/** The comparison for each kind of traffic; a flow is of one kind, so nothing falls between them. */
export function compareByKind(
  wire: readonly Frame[],
  sensor: readonly Frame[],
  options: CompareOptions,
): Map<Kind, Comparison> {
  const split = (frames: readonly Frame[]) => Map.groupBy(frames, (frame) => kindOf(layersOf(frame.bytes)))
  const [onWire, atSensor] = [split(wire), split(sensor)]
  return new Map(kinds.map((kind) => [kind, compare(onWire.get(kind) ?? [], atSensor.get(kind) ?? [], options)]))
}

/** The sidecar's counters, read inside the pod over its loopback, which leaves eth0 alone. */
export interface Counters {
  readonly captured: number
  readonly sent: number
  /** By reason; reasons that did not occur are left out. */
  readonly dropped: Readonly<Record<string, number>>
}

export async function readCounters(pod: PodWorker): Promise<Counters> {
  const port = pod.pod.spec?.initContainers?.[0]?.ports?.[0]?.containerPort ?? 14789
  const command = [process.execPath, workload('get.ts'), `http://127.0.0.1:${port}/metrics`]
  return parseCounters((await pod.network?.exec(command)) ?? '')
}

/** From the Prometheus text format. */
export function parseCounters(text: string): Counters {
  const dropped: Record<string, number> = {}
  for (const [, reason, count] of text.matchAll(/^vxtap_dropped_frames_total\{reason="(\w+)"\} (\d+)$/gm)) {
    if (Number(count) > 0) dropped[reason!] = Number(count)
  }
  const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
  return { captured: value('vxtap_captured_frames_total'), sent: value('vxtap_sent_frames_total'), dropped }
}
