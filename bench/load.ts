/** The generators: flood (UDP), wrk (HTTP) and iperf3 (TCP), each bounded by a time, and what they say at their end. */
import type { Workload } from './matrix.ts'
import { program } from './programs.ts'
import { httpPort, tcpPort, udpPort } from './scene.ts'

export interface Load {
  readonly argv: readonly string[]
  readonly read: (output: string) => LoadResult
}

export interface LoadResult {
  /** Datagrams, requests or bits a second. */
  readonly rate: number
  readonly seconds: number
  readonly p99Ms?: number
  /** TCP: bytes that the application got. */
  readonly bytes?: number
}

export interface Bounds {
  readonly seconds: number
  /** UDP: 0 is as many as go in the time. */
  readonly packets: number
}

const flows = 64
const connections = 16

export function load(workload: Workload, address: string, { seconds, packets }: Bounds): Load {
  const { kind, bytes = 64, rate = 0 } = workload
  // wrk and iperf3 know whole seconds only.
  const whole = String(Math.max(1, Math.round(seconds)))
  switch (kind) {
    case 'udp':
      return {
        argv: [program('flood'), address, ...[udpPort, bytes, packets, seconds, flows, rate].map(String)],
        read: readFlood,
      }
    case 'http':
      return {
        argv: [
          ...['wrk', '--threads', '1', '--connections', String(connections), '--duration', `${whole}s`, '--latency'],
          `http://${address}:${httpPort}/`,
        ],
        read: readWrk,
      }
    case 'tcp':
      return {
        argv: [
          ...['iperf3', '--client', address, '--port', String(tcpPort), '--time', whole, '--json'],
          ...(rate === 0 ? [] : ['--bitrate', String(rate)]),
        ],
        read: readIperf,
      }
  }
}

export function readFlood(output: string): LoadResult {
  const { sent, seconds } = JSON.parse(output) as { readonly sent: number; readonly seconds: number }
  return { rate: sent / seconds, seconds }
}

const milliseconds: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

/** @throws Error where wrk had errors: a rate that counts failures is none */
export function readWrk(output: string): LoadResult {
  const done = /(\d+) requests in ([\d.]+)(us|ms|s|m),/.exec(output)
  const p99 = /^\s+99%\s+([\d.]+)(us|ms|s|m)$/m.exec(output)
  const trouble = /^\s*(Socket errors:.*|Non-2xx.*)$/m.exec(output)?.[1]
  if (done === null || p99 === null || trouble !== undefined)
    throw new Error(`wrk did not end well: ${trouble ?? output.trim()}`)
  const seconds = (Number(done[2]) * (milliseconds[done[3]!] ?? Number.NaN)) / 1000
  return { rate: Number(done[1]) / seconds, seconds, p99Ms: Number(p99[1]) * (milliseconds[p99[2]!] ?? Number.NaN) }
}

interface IperfOutput {
  readonly error?: string
  readonly end?: { readonly sum_received?: { readonly bytes: number; readonly seconds: number } }
}

/** @throws Error with what iperf3 says where it measured nothing */
export function readIperf(output: string): LoadResult {
  const { error, end } = JSON.parse(output) as IperfOutput
  const received = end?.sum_received
  if (error !== undefined || received === undefined)
    throw new Error(`iperf3 did not end well: ${error ?? output.trim()}`)
  return { rate: (received.bytes * 8) / received.seconds, seconds: received.seconds, bytes: received.bytes }
}
