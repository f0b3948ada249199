/** One metric: https://prometheus.io/docs/practices/naming/. Tables of these feed the servers, the documentation and its test. */
export interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}
