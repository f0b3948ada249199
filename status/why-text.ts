/** What `vxtap why` prints for people. Pure. */
import type { InjectorSeen, PodReport } from './report.ts'
import { counted, droppedText, injectorLine } from './status-text.ts'
import { type Colour, painted } from './table.ts'

const words: Readonly<Record<PodReport['tap'], readonly [string, Colour]>> = {
  tapped: ['tapped', 'green'],
  blind: ['not tapped, and could be', 'red'],
  refused: ['not tapped', 'yellow'],
  not_asked: ['not tapped', 'grey'],
}

/** @param what how the line begins: `pod shop/web-5d4-x2x` */
export function whyText(what: string, report: PodReport, injector: InjectorSeen | undefined, colours: boolean): string {
  const [word, colour] = words[report.tap]
  const { sidecar, health, remedy, notes } = report
  const lines = [`${what}: ${painted(word, colour, colours)} (${report.reason})`, `  ${sentence(report.sentence)}`]
  if (remedy !== '') lines.push(`  What to do: ${remedy}`)
  if (report.ended) lines.push('  It has ended, or is about to: nothing is missing any more.')
  if (report.tap === 'blind' && injector !== undefined && report.created < injector.created) {
    lines.push(`  It was created at ${report.created}; the injector is there since ${injector.created}.`)
  }
  if (sidecar !== undefined) {
    const kind = sidecar.native ? 'native sidecar' : 'ordinary container'
    lines.push(`  Sidecar: version ${sidecar.version ?? 'unknown'}, ${kind}, image ${sidecar.image}`)
  }
  if (health?.asked) {
    const sensors = health.sensors === 1 ? '1 sensor' : `${health.sensors} sensors`
    lines.push(`  It says: ${health.sentence}`)
    lines.push(
      `  Frames: ${counted(health.captured)} captured, ${counted(health.sent)} sent to ${sensors}, ${droppedText(health)}`,
    )
  } else if (health !== undefined) {
    lines.push(`  How it is, is not known: ${health.why}`)
  }
  lines.push(...notes.map(({ code, text }) => `  Note (${code}): ${text}`))
  return lines.map((line) => `${line}\n`).join('')
}

export function closingText(injector: InjectorSeen | undefined, notes: readonly string[]): string {
  const lines = [...(injector === undefined ? [] : [injectorLine(injector)]), ...notes.map((note) => `note: ${note}`)]
  return lines.length === 0 ? '' : `\n${lines.map((line) => `${line}\n`).join('')}`
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
