/** What a sidecar's `/metrics` and `/readyz` say. Pure. */

import { printable } from '../contract/setting.ts'
import { sidecarMetrics } from '../contract/sidecar-metrics.ts'
import type { Health } from './report.ts'

export interface Answer {
  readonly status: number
  readonly text: string
}

const longestSentence = 200
// Whatever answers at the pod's address wrote them.
const longestReason = 64
const mostReasons = 32

export function healthOf(metrics: Answer, readiness: Answer): Health {
  const refused = refusalOf(metrics) ?? refusalOf(readiness, 503)
  if (refused !== undefined) return { asked: false, why: refused }
  const values = samplesOf(metrics.text)
  const value = ({ name }: { readonly name: string }): number => values.get(name) ?? 0
  const droppedByReason = dropsOf(values)
  if (!values.has(sidecarMetrics.up.name)) return { asked: false, why: 'what answers there is not the sidecar' }
  return {
    asked: true,
    ready: readiness.status === 200,
    sentence: printable(readiness.text.trim(), longestSentence),
    capturing: value(sidecarMetrics.up) === 1,
    sensors: value(sidecarMetrics.targets),
    captured: value(sidecarMetrics.capturedFrames),
    sent: value(sidecarMetrics.sentFrames),
    dropped: Object.values(droppedByReason).reduce((sum, count) => sum + count, 0),
    droppedByReason,
  }
}

function dropsOf(values: ReadonlyMap<string, number>): Record<string, number> {
  const drops = new Map<string, number>()
  for (const [series, count] of values) {
    if (drops.size === mostReasons) break
    if (count <= 0 || !series.startsWith(`${sidecarMetrics.dropped.name}{`)) continue
    const reason = /reason="([^"]*)"/.exec(series)?.[1]
    if (reason !== undefined) drops.set(printable(reason, longestReason), count)
  }
  return Object.fromEntries(drops)
}

/** The API server says so itself where it may not, or cannot, ask the pod: then the answer is a Status object. */
function refusalOf({ status, text }: Answer, besides?: number): string | undefined {
  const message = messageOf(text)
  if (status === 403) return 'you may not ask it: needs get pods/proxy'
  if (message !== undefined) return printable(message, longestSentence)
  return status === 200 || status === besides ? undefined : `it answered ${status}`
}

function messageOf(text: string): string | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const { kind, message } = JSON.parse(text) as { kind?: string; message?: string }
    return kind === 'Status' ? (message ?? 'the API server could not ask it') : undefined
  } catch {
    return undefined
  }
}

/** Prometheus text exposition, as far as it is needed: one sample a line, labels kept as they are written. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) ([0-9.eE+-]+)$/.exec(line)
    if (match) samples.set(match[1]!, Number(match[2]))
  }
  return samples
}
