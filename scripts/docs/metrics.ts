/** The metrics reference, from the tables of metrics. */
import { injectorMetrics } from '../../contract/injector-metrics.ts'
import type { Metric } from '../../contract/metric.ts'
import { sidecarMetrics } from '../../contract/sidecar-metrics.ts'
import { code, sentence, table } from './markdown.ts'

const rows = (metrics: Record<string, Metric>) =>
  Object.values(metrics).map((metric) => [
    code(metric.name),
    metric.type,
    metric.labels.map(code).join(', '),
    sentence(metric.help),
  ])

const head = ['Metric', 'Type', 'Labels', 'Meaning']

export function sidecarMetricsTable(): string {
  return table(head, rows(sidecarMetrics))
}

export function injectorMetricsTable(): string {
  return table(head, rows(injectorMetrics))
}
