/** The report for people: a line while it runs, totals at its end, and the table of flows for both. Pure. */
import type { FaultCode } from './faults.ts'
import { faults } from './faults.ts'
import type { FlowReport, Report } from './report.ts'

/** Escape sequences around parts of the text; all empty where colour is off. */
export interface Palette {
  readonly strong: string
  readonly dim: string
  readonly bad: string
  readonly good: string
  readonly off: string
}

export const plain: Palette = { strong: '', dim: '', bad: '', good: '', off: '' }
export const coloured: Palette = {
  strong: '\x1b[1m',
  dim: '\x1b[2m',
  bad: '\x1b[31m',
  good: '\x1b[32m',
  off: '\x1b[0m',
}

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value.toFixed(1)} ${units[unit]}`
}

/** One line about the time between two reports. */
export function progressLine(now: Report, before: Report): string {
  const seconds = Math.max(now.seconds - before.seconds, 0.001)
  const rate = Math.round((now.datagrams - before.datagrams) / seconds)
  const megabits = (((now.bytes - before.bytes) * 8) / seconds / 1e6).toFixed(1)
  return (
    `${now.seconds.toFixed(0)} s: ${now.datagrams} datagrams, ${bytesText(now.bytes)}, ${rate}/s, ${megabits} Mbit/s, ` +
    `${now.flows} flows, ${now.faulty} faulty, ${now.oversize} oversize, lost at this socket ${lost(now)}`
  )
}

/** The header lines of the live screen and the final totals. */
export function totalsLines(now: Report, colour: Palette): string[] {
  const faulty = now.faulty === 0 ? `${colour.good}faulty 0` : `${colour.bad}faulty ${now.faulty}`
  const loss = now.lostAtSocket === 0 ? colour.good : colour.bad
  const lines = [
    `${colour.strong}${now.datagrams} datagrams, ${bytesText(now.bytes)}${colour.off} in ${now.seconds.toFixed(1)} s on ${now.listening}`,
    `verified ${now.verified}, fragments ${now.fragments}, without a checksum to verify ${now.unverifiable}, ${faulty}${colour.off}` +
      `, oversize ${now.oversize}`,
    `${loss}lost at this socket ${lost(now)}${colour.off}; flows ${now.flows}` +
      (now.flowsEvicted === 0 ? '' : `, ${now.flowsEvicted} older ones dropped from the table`),
  ]
  const refused = now.lostInKernel?.outerChecksum ?? 0
  if (refused > 0) {
    lines.push(
      `${colour.bad}outer UDP checksum refused by the kernel ${refused}${colour.off} (this network namespace; over IPv6 it must not be 0)`,
    )
  }
  const unassembled = now.lostInKernel?.reassembly ?? 0
  if (unassembled > 0) {
    lines.push(`${colour.bad}outer fragments not reassembled ${unassembled}${colour.off} (this network namespace)`)
  }
  return lines
}

export function faultLines(now: Report, colour: Palette): string[] {
  const entries = Object.entries(now.faults) as [FaultCode, number][]
  return entries.map(([code, count]) => `${colour.bad}${code} ${count}${colour.off}: ${faults[code]}`)
}

/** @param columns the width that lines may have; longer ends are cut with an ellipsis */
export function flowLines(flows: FlowReport[], columns: number, colour: Palette): string[] {
  if (flows.length === 0) return []
  const ends = flows.map((flow) => `${flow.a} <-> ${flow.b}`)
  const fixed = 49
  const width = Math.max(20, Math.min(columns - fixed, Math.max(...ends.map((text) => text.length))))
  const row = (vni: string, protocol: string, text: string, frames: string, back: string, bytes: string, bad: string) =>
    `${vni.padStart(8)} ${protocol.padEnd(6)} ${clip(text, width)} ${frames.padStart(8)} ${back.padStart(8)} ${bytes.padStart(8)} ${bad.padStart(6)}`
  const lines = [`${colour.strong}${row('VNI', 'proto', 'a <-> b', 'a->b', 'b->a', 'bytes', 'faults')}${colour.off}`]
  flows.forEach((flow, index) => {
    const text = row(
      String(flow.vni),
      flow.protocol,
      ends[index]!,
      String(flow.framesAToB),
      String(flow.framesBToA),
      bytesText(flow.bytes),
      String(flow.faults),
    )
    const shade = flow.faults > 0 ? colour.bad : index % 2 === 1 ? colour.dim : ''
    lines.push(shade === '' ? text : `${shade}${text}${colour.off}`)
  })
  return lines
}

function clip(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`
}

function lost(now: Report): string {
  return now.lostAtSocket === null ? 'unknown' : String(now.lostAtSocket)
}
