/** Holds the chart's alerts and its dashboard to the tables of metrics and of reasons. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { blindSpots } from '../../contract/blind-spots.ts'
import { dropReasons } from '../../contract/drop-reasons.ts'
import { injectionReasons } from '../../contract/injection-reasons.ts'
import { injectorMetrics } from '../../contract/injector-metrics.ts'
import type { Metric } from '../../contract/metric.ts'
import { sidecarMetrics } from '../../contract/sidecar-metrics.ts'

const chart = fileURLToPath(new URL('../../charts/vxtap/', import.meta.url))
const read = (file: string): string => readFileSync(chart + file, 'utf8')

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}
const dashboard = JSON.parse(read('dashboards/vxtap.json')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly definition?: string }[] }
}
const rules = read('templates/monitoring/prometheus-rule.yaml')

const metrics = new Map<string, Metric>(
  [...Object.values<Metric>(injectorMetrics), ...Object.values<Metric>(sidecarMetrics)].flatMap((metric) =>
    metric.type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((end) => [metric.name + end, metric] as const)
      : [[metric.name, metric] as const],
  ),
)

/** What Prometheus adds to a series of its own accord, and the bound of a histogram's bucket. */
const added = new Set(['namespace', 'pod', 'container', 'le'])

const alerts = [...rules.matchAll(/- alert: (?<name>\w+)\n\s+expr: (?<expr>.+)\n/g)].map(({ groups }) => ({
  name: groups?.['name'] ?? '',
  expr: (groups?.['expr'] ?? '').replace(/\{\{-? \$ours -?\}\}/, 'namespace="vxtap"'),
}))

const queries = [
  ...alerts,
  ...dashboard.panels.flatMap(({ title, targets }) => (targets ?? []).map(({ expr }) => ({ name: title, expr }))),
  ...dashboard.templating.list.flatMap(({ definition }) =>
    definition === undefined ? [] : [{ name: 'variable', expr: definition }],
  ),
]

const namesIn = (expr: string): string[] => [...expr.matchAll(/\b(?:vxtap|process)_[a-z0-9_]+/g)].map(([name]) => name)

/** Labels that an expression selects or groups by. */
function labelsIn(expr: string): string[] {
  const selected = [...expr.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*\\?"/g)].map((match) => match[1] ?? '')
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap((match) => (match[1] ?? '').split(/,\s*/))
  return [...selected, ...grouped]
}

describe('the chart’s alerts and dashboard', () => {
  it('are there', () => {
    expect(alerts.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'VxtapInjectorDown',
        'VxtapInjectorCertificateExpires',
        'VxtapSidecarDropsFrames',
        'VxtapSidecarHasNoSensor',
      ]),
    )
    expect(alerts.length).toBe(rules.match(/- alert:/g)?.length)
    expect(dashboard.panels.filter(({ type }) => type !== 'row').length).toBeGreaterThan(10)
  })

  it.each(queries)('ask only for metrics that exist, by labels that they have: $name, $expr', ({ expr }) => {
    const names = namesIn(expr)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !metrics.has(name))).toEqual([])
    const labels = new Set([...names.flatMap((name) => metrics.get(name)?.labels ?? []), ...added])
    expect(labelsIn(expr).filter((label) => !labels.has(label))).toEqual([])
  })

  it('alert of every reason for which a pod that asked for a tap does not get one', () => {
    const asked = Object.entries(injectionReasons).filter(([, { outcome, warn }]) => outcome === 'skip' && warn)
    const named = /reason=~"(?<reasons>[a-z_|]+)"/.exec(rules)?.groups?.['reasons']?.split('|')
    expect(named).toEqual(asked.map(([code]) => code))
  })

  it('alert of every reason for which a pod runs untapped although it could be tapped', () => {
    const { expr } = alerts.find(({ name }) => name === 'VxtapPodsStartedWithoutInjector') ?? { expr: '' }
    const untapped = Object.entries(blindSpots).filter(([, spot]) => spot.untapped)
    expect(/reason=~"(?<reasons>[a-z_|]+)"/.exec(expr)?.groups?.['reasons']?.split('|')).toEqual(
      untapped.map(([code]) => code),
    )
  })

  it('leave out only reasons of dropped frames that exist', () => {
    const named = /reason!~"(?<reasons>[a-z_|]+)"/.exec(rules)?.groups?.['reasons']?.split('|') ?? []
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((reason) => !Object.keys(dropReasons).includes(reason))).toEqual([])
  })
})
