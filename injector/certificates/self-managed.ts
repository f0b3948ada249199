/**
 * The injectors' own certificates: every replica follows the Secret and serves with what is in it; the one that holds
 * the Lease replaces what is due and keeps `caBundle` right.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type ListWatchSource, listAndWatch } from '../cluster/list-watch.ts'
import type { Json } from '../json.ts'
import { holdLease, type LeaseApi } from '../lease/hold.ts'
import type { InjectorMetrics } from '../metrics.ts'
import { createLook } from './lead.ts'
import { bundlesOf, type Names, secretData, servedNames, storeName } from './objects.ts'
import { type CertificateLives, endOf } from './plan.ts'
import { createPublicationClock } from './publication-clock.ts'
import { createReporter } from './report.ts'
import { chooseServing, isValid, type Serving } from './serve.ts'
import type { CertificateKeeper, UseCertificate } from './source.ts'
import { type CertificateState, readState } from './state.ts'
import { type CertificateStore, isMissing } from './store.ts'
import { createTurn, leaseMs } from './turn.ts'

export interface SelfManaged {
  readonly store: CertificateStore
  readonly names: Names
  readonly lives: CertificateLives
  readonly log: Logger
  readonly metrics: InjectorMetrics
}

const secondMs = 1000
/** The API server is asked again this soon after a failure, and then twice as long after each. */
const firstRetryMs = 500
/** However far away the next date is: a watch may have missed what was changed. */
const longestRestMs = 600_000
/** A new authority is trusted this soon at the latest: how often a replica looks while it waits for that. */
const shortestRestMs = 50

export function keepSelfManaged(parts: SelfManaged, use: UseCertificate): CertificateKeeper {
  const { store, names, lives, metrics, log } = parts
  const stop = new AbortController()
  const report = createReporter(names, log, metrics)
  const seen = createPublicationClock(() => performance.now())
  let state: CertificateState | undefined
  let serving: Serving | undefined
  let wake = new AbortController()

  const chooseAgain = (): void => {
    const chosen = chooseServing(Date.now(), serving, state, seen.last(), lives)
    if (chosen === undefined || chosen === serving) return
    const expires = new Date(endOf(chosen.leaf.certificate))
    try {
      use({
        cert: Buffer.from(chosen.leaf.certificate),
        key: Buffer.from(chosen.leaf.key),
        expires,
        lifeMs: lives.leafMs,
      })
    } catch (error) {
      report.failed(error)
      return
    }
    serving = chosen
    log.info({ expires: expires.toISOString() }, 'new connections get a new certificate')
  }
  const follow = (changes: ListWatchSource<Json>, take: (object: Json) => void): void => {
    const changed = (object: Json): void => {
      take(object)
      turn.see(state, seen.last())
      chooseAgain()
      wake.abort()
    }
    const sink = {
      replace: (items: readonly Json[]) => changed(items[0] ?? null),
      upsert: changed,
      remove: () => changed(null),
      failed: (error: Error) => report.failed(error),
    }
    void listAndWatch(changes, sink, pause, stop.signal)
  }
  follow(store.secretChanges, (secret) => {
    state = readState(secretData(secret))
  })
  follow(store.configurationChanges, (configuration) => {
    const bundles = bundlesOf(configuration)
    if (bundles.length === 0) report.noConfiguration()
    seen.see(bundles)
  })

  // Nobody can lead by a Lease that is not there, and none of us may make it; versions keep writers apart all the same.
  let leaseMissing = false
  const seeLease = (missing: boolean): void => {
    if (missing !== leaseMissing) wake.abort()
    leaseMissing = missing
  }
  const leaseApi: LeaseApi = {
    ...store.lease,
    async read() {
      try {
        const record = await store.lease.read()
        seeLease(false)
        return record
      } catch (error) {
        if (isMissing(error)) seeLease(true)
        throw error
      }
    },
  }
  const lease = holdLease(leaseApi, {
    identity: `${hostname()}_${randomUUID()}`,
    durationMs: leaseMs(lives),
    now: () => performance.now(),
    pause,
    changed(leading) {
      metrics.leader(leading)
      log.info(leading ? 'keeps the certificates of all injectors' : 'no longer keeps the certificates')
      wake.abort()
    },
    failed: (error) => report.failed(error),
  })
  const turn = createTurn({
    lives,
    leading: () => lease.leading(),
    leaseMissing: () => leaseMissing,
    now: () => performance.now(),
    date: Date.now,
  })
  let resigned = false
  const look = createLook({
    store,
    publication: createPublicationClock(() => performance.now()),
    lives,
    names: servedNames(names),
    now: Date.now,
    untilAct: (kind) => (resigned ? longestRestMs : turn.untilAct(kind)),
    done(action, why) {
      turn.acted(action.kind)
      report.done(action, why)
    },
  })
  const lead = async (): Promise<void> => {
    let retryMs = firstRetryMs
    while (!stop.signal.aborted) {
      wake = new AbortController()
      let restMs = longestRestMs
      try {
        const waitMs = resigned ? longestRestMs : turn.untilLook()
        restMs = Math.min(restMs, waitMs > 0 ? Math.max(shortestRestMs, waitMs) : await look())
        retryMs = firstRetryMs
      } catch (error) {
        report.failed(error)
        restMs = retryMs
        retryMs = Math.min(retryMs * 2, longestRestMs / 10)
      }
      await pause(restMs, AbortSignal.any([stop.signal, wake.signal]))
    }
  }
  void lead()
  const follower = setInterval(chooseAgain, Math.max(shortestRestMs, Math.min(secondMs, lives.leafMs / 50)))
  follower.unref()

  return {
    problem() {
      if (serving === undefined)
        return `there is no certificate in the Secret ${storeName(names)} that the API server trusts`
      return isValid(serving, Date.now()) ? undefined : 'the certificate has expired, and there is no newer one'
    },
    resign() {
      resigned = true
      return lease.resign()
    },
    stop() {
      clearInterval(follower)
      stop.abort()
      store.close()
    },
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(Math.max(0, ms), undefined, { signal, ref: false }).catch(() => undefined)
