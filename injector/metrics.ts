/** The injector's Prometheus metrics. One registry per injector, so that two in one process do not share counters. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { UntappedReason } from '../contract/blind-spots.ts'
import { injectionReasons, type ReasonCode } from '../contract/injection-reasons.ts'
import { injectorMetrics, reviewSecondsBuckets } from '../contract/injector-metrics.ts'

export type CachedResource = 'namespaces' | 'nodes' | 'pods'

/** `other` is what no single object is behind. */
const certificateResources = ['secrets', 'leases', 'mutatingwebhookconfigurations', 'other'] as const
export type CertificateResource = (typeof certificateResources)[number]

export interface InjectorMetrics {
  readonly contentType: string
  render(): Promise<string>
  decided(reason: ReasonCode, seconds: number): void
  refused(status: number): void
  /** An open connection made room for a new one. */
  connectionDropped(): void
  handshakeFailed(): void
  /** @param lifeMs from its making to its end */
  certificateTaken(expires: Date, lifeMs: number): void
  certificateReloaded(result: 'taken' | 'refused'): void
  settingsReloaded(result: 'taken' | 'refused'): void
  certificateRotated(what: 'leaf' | 'authority'): void
  certificateFailed(resource: CertificateResource): void
  bundleRepaired(): void
  leader(leading: boolean): void
  cacheSynced(resource: CachedResource, synced: boolean): void
  /** The API server has just said something about it. */
  cacheHeard(resource: CachedResource): void
  cacheRestarted(resource: CachedResource): void
  untappedPods(reason: UntappedReason, pods: number): void
}

export function createInjectorMetrics(version: string): InjectorMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counter = (metric: { name: string; help: string; labels: readonly string[] }) =>
    new Counter({ name: metric.name, help: metric.help, labelNames: [...metric.labels], registers: [registry] })
  const gauge = (metric: { name: string; help: string; labels: readonly string[] }) =>
    new Gauge({ name: metric.name, help: metric.help, labelNames: [...metric.labels], registers: [registry] })

  const decisions = counter(injectorMetrics.decisions)
  const refusedRequests = counter(injectorMetrics.refusedRequests)
  const droppedConnections = counter(injectorMetrics.droppedConnections)
  const failedHandshakes = counter(injectorMetrics.failedHandshakes)
  const certificateReloads = counter(injectorMetrics.certificateReloads)
  const settingsReloads = counter(injectorMetrics.settingsReloads)
  const settingsRefused = gauge(injectorMetrics.settingsRefused)
  const cacheRestarts = counter(injectorMetrics.cacheRestarts)
  const certificateExpiry = gauge(injectorMetrics.certificateExpiry)
  const certificateLife = gauge(injectorMetrics.certificateLife)
  const rotations = counter(injectorMetrics.certificateRotations)
  const certificateFailures = counter(injectorMetrics.certificateFailures)
  const bundleRepairs = counter(injectorMetrics.bundleRepairs)
  const leader = gauge(injectorMetrics.leader)
  const cacheSynced = gauge(injectorMetrics.cacheSynced)
  const heard = new Map<CachedResource, number>()
  const { name, help, labels } = injectorMetrics.cacheAge
  const collect = () => {
    for (const [resource, at] of heard) cacheAge.set({ resource }, (performance.now() - at) / 1000)
  }
  const cacheAge = new Gauge({ name, help, labelNames: [...labels], registers: [registry], collect })
  const untappedPods = gauge(injectorMetrics.untappedPods)
  const reviewSeconds = new Histogram({
    name: injectorMetrics.reviewSeconds.name,
    help: injectorMetrics.reviewSeconds.help,
    labelNames: [...injectorMetrics.reviewSeconds.labels],
    buckets: [...reviewSecondsBuckets],
    registers: [registry],
  })
  gauge(injectorMetrics.buildInfo).set({ version }, 1)
  // A series that exists from the start lets an alert tell "never" from "not scraped".
  for (const reason of Object.keys(injectionReasons)) decisions.inc({ reason }, 0)
  for (const result of ['taken', 'refused']) {
    certificateReloads.inc({ result }, 0)
    settingsReloads.inc({ result }, 0)
  }
  for (const what of ['leaf', 'authority']) rotations.inc({ what }, 0)
  for (const resource of certificateResources) certificateFailures.inc({ resource }, 0)

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    decided(reason, seconds) {
      decisions.inc({ reason })
      reviewSeconds.observe({ outcome: injectionReasons[reason].outcome }, seconds)
    },
    connectionDropped: () => droppedConnections.inc(),
    handshakeFailed: () => failedHandshakes.inc(),
    refused: (status) => refusedRequests.inc({ status: String(status) }),
    certificateTaken(expires, lifeMs) {
      certificateExpiry.set(expires.getTime() / 1000)
      certificateLife.set(lifeMs / 1000)
    },
    certificateReloaded: (result) => certificateReloads.inc({ result }),
    settingsReloaded(result) {
      settingsReloads.inc({ result })
      settingsRefused.set(result === 'refused' ? 1 : 0)
    },
    certificateRotated: (what) => rotations.inc({ what }),
    certificateFailed: (resource) => certificateFailures.inc({ resource }),
    bundleRepaired: () => bundleRepairs.inc(),
    leader: (leading) => leader.set(leading ? 1 : 0),
    cacheHeard: (resource) => heard.set(resource, performance.now()),
    cacheSynced: (resource, synced) => cacheSynced.set({ resource }, synced ? 1 : 0),
    cacheRestarted: (resource) => cacheRestarts.inc({ resource }),
    untappedPods: (reason, pods) => untappedPods.set({ reason }, pods),
  }
}
