/**
 * What the webhook costs and how soon it answers: `make bench-injector`. Beside it, in the same run, the floor: a bare
 * fastify server that echoes the same bodies over the same TLS. Loopback, one client process, two minutes.
 *
 * Throughput in a closed loop, latency in an open one; see client.ts for what that means.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closedLoop, type Outcome, openLoop, percentile, type Server } from './client.ts'
import { startServers } from './processes.ts'
import { reviews } from './reviews.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const path = '/mutate'
const connectionCounts = [1, 10, 100]
const rounds = 5
/** In each round. */
const closedRequests = { 'a small pod': 8000, '30 containers': 1000, '1,500 variables': 1000 } as const
const openLoops = [
  { review: 'a small pod', rate: 1000, seconds: 10, barMs: 5 },
  { review: '30 containers', rate: 200, seconds: 10, barMs: undefined },
  { review: '1,500 variables', rate: 200, seconds: 10, barMs: 10 },
] as const
const lastingRequests = 100_000
const samples = 10
/** perf_hooks.monitorEventLoopDelay, as prom-client sets it up: a timer of 10 ms. What it measures includes that wait. */
const delayTimerMs = 10

const bodyOf = (name: string): string => reviews.find((review) => review.name === name)?.body ?? ''
const perSecond = (outcome: Outcome): number => outcome.answers / outcome.seconds
const milliseconds = (value: number): string => value.toFixed(2).padStart(8)
const say = (line: string): boolean => process.stdout.write(`${line}\n`)

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

interface Result {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly bar?: string
}
const results: Result[] = []

const servers = await startServers()
const both: readonly (readonly [string, Server])[] = [
  ['injector', servers.injector],
  ['echo', servers.echo],
]

try {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Linux ${release()}, Node ${process.version}`
  say(`${machine}; client and servers share the cores`)
  for (const [, server] of both) {
    for (const { body } of reviews) await closedLoop(server, path, body, 10, 500)
  }

  say(`\nthroughput, closed loop (answers a second; median of ${rounds} rounds, in turns)`)
  say(
    `${'review'.padEnd(18)}${'connections'.padStart(12)}${'injector'.padStart(10)}${'echo'.padStart(10)}${'ratio'.padStart(8)}`,
  )
  for (const [name, requests] of Object.entries(closedRequests)) {
    for (const connections of connectionCounts) {
      const rates = both.map((): number[] => [])
      for (let round = 0; round < rounds; round++) {
        for (const [index, [, server]] of both.entries()) {
          const outcome = await closedLoop(server, path, bodyOf(name), connections, requests)
          if (outcome.failures > 0) throw new Error(`${outcome.failures} of the reviews of ${name} failed`)
          rates[index]?.push(perSecond(outcome))
        }
      }
      const [ours = 0, floor = 0] = rates.map((each) => each.sort((a, b) => a - b)[rounds >> 1] ?? 0)
      const ratio = ours / floor
      const bar = name === 'a small pod' ? '>= 0.5' : ''
      say(
        `${name.padEnd(18)}${String(connections).padStart(12)}${ours.toFixed(0).padStart(10)}${floor.toFixed(0).padStart(10)}${ratio.toFixed(2).padStart(8)}   ${bar}`,
      )
      results.push({ what: `throughput, ${name}, ${connections} connections`, value: ours, unit: 'per second' })
      results.push({ what: `echo, ${name}, ${connections} connections`, value: floor, unit: 'per second' })
    }
  }

  say('\nlatency, open loop over 100 connections (ms from when each was due)')
  say(
    `${'review'.padEnd(18)}${'rate'.padStart(12)}${'p50'.padStart(8)}${'p99'.padStart(8)}${'p99.9'.padStart(8)}   bar of p99`,
  )
  const delay = async (): Promise<number> => {
    const seconds = (await servers.injector.metrics()).get('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN
    return seconds * 1000 - delayTimerMs
  }
  await delay()
  for (const { review, rate, seconds, barMs } of openLoops) {
    for (const [who, server] of both) {
      const outcome = await openLoop(server, path, bodyOf(review), 100, rate, seconds)
      if (outcome.failures > 0) throw new Error(`${outcome.failures} of the reviews of ${review} failed`)
      const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => percentile(outcome, share)) as [number, number, number]
      const bar = who === 'injector' && barMs !== undefined ? `< ${barMs}` : ''
      const name = who === 'injector' ? review : '  (echo)'
      say(
        `${name.padEnd(18)}${`${rate}/s`.padStart(12)}${milliseconds(p50)}${milliseconds(p99)}${milliseconds(p999)}   ${bar}`,
      )
      results.push({ what: `${who}, ${review} at ${rate}/s, p99`, value: p99, unit: 'ms', ...(bar ? { bar } : {}) })
      results.push({ what: `${who}, ${review} at ${rate}/s, p50`, value: p50, unit: 'ms' })
      results.push({ what: `${who}, ${review} at ${rate}/s, p99.9`, value: p999, unit: 'ms' })
    }
  }

  const delayAtRates = await delay()

  say(`\nmemory over ${lastingRequests.toLocaleString('en')} reviews of a small pod (resident, MB)`)
  const resident: number[] = []
  for (let sample = 0; sample < samples; sample++) {
    await closedLoop(servers.injector, path, bodyOf('a small pod'), 10, lastingRequests / samples)
    resident.push(residentMb(servers.injector.pid))
  }
  say(resident.map((each) => each.toFixed(0)).join(' '))
  // A scrape begins the measurement anew.
  const delaySaturated = await delay()
  say('\nevent-loop delay of the injector, p99 (ms)')
  for (const [what, value] of [
    ['at the rates of the open loops', delayAtRates],
    ['saturated, closed loop', delaySaturated],
  ] as const) {
    say(`${what.padEnd(32)}${milliseconds(value)}   < 10`)
    results.push({ what: `event-loop delay, ${what}, p99`, value, unit: 'ms', bar: '< 10' })
  }
  resident.forEach((value, index) => {
    results.push({ what: `resident after ${((index + 1) * lastingRequests) / samples} reviews`, value, unit: 'MB' })
  })

  mkdirSync(join(root, 'bench/results'), { recursive: true })
  const file = join(root, 'bench/results/injector.json')
  writeFileSync(file, `${JSON.stringify({ machine, date: new Date().toISOString(), results }, undefined, 2)}\n`)
  say('\nwritten: bench/results/injector.json')
} finally {
  await servers.stop()
}
