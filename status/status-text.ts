/** What `vxtap status` prints for people. Pure. */
import type { Health, InjectorSeen, PodReport, StatusReport } from './report.ts'
import { type Cell, type Colour, painted, table } from './table.ts'

const header = ['NAMESPACE', 'POD', 'TAP', 'SIDECAR', 'SENSORS', 'SENT', 'DROPPED', 'STATE']
/** Of the same reason; `-o json` has all. */
const mostShown = 10

export function statusText(report: StatusReport, scope: string, colours: boolean): string {
  const { injector, pods, notes } = report
  const parts = [
    injector === null ? '' : `${injectorLine(injector)}\n`,
    pods.length === 0 ? `No pod asks for a tap ${scope}.\n` : table(header, pods.map(row), colours),
    pods.length === 0 ? '' : verdict(report, colours),
    notes.map((note) => `note: ${note}\n`).join(''),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

export const injectorLine = ({ namespace, name, version, ready, replicas }: InjectorSeen): string =>
  `injector ${namespace}/${name}${version === '' ? '' : `, version ${version}`}: ${ready} of ${replicas} ready`

const tapColours: Readonly<Record<PodReport['tap'], Colour>> = {
  tapped: 'green',
  blind: 'red',
  refused: 'yellow',
  not_asked: 'grey',
}

function row(pod: PodReport): Cell[] {
  const { health } = pod
  const known = health?.asked ? health : undefined
  const dropped = known?.dropped ?? 0
  return [
    { text: pod.namespace },
    { text: pod.pod },
    { text: pod.tap, colour: tapColours[pod.tap] },
    { text: pod.sidecar === undefined ? '-' : (pod.sidecar.version ?? '?') },
    known?.sensors === 0 ? { text: '0', colour: 'red' } : { text: known === undefined ? '-' : String(known.sensors) },
    { text: known === undefined ? '-' : counted(known.sent) },
    { text: known === undefined ? '-' : counted(dropped), ...(dropped > 0 ? { colour: 'yellow' } : {}) },
    stateOf(pod),
  ]
}

function stateOf({ tap, reason, health, notes }: PodReport): Cell {
  if (tap !== 'tapped') return { text: reason, colour: tapColours[tap] }
  const old = notes.some(({ code }) => code === 'older_sidecar') ? ', older_sidecar' : ''
  if (health === undefined) return { text: `not asked${old}`, colour: 'grey' }
  if (!health.asked) return { text: `not known: ${health.why}${old}`, colour: 'yellow' }
  const colour = health.ready && old === '' ? 'green' : 'yellow'
  return { text: `${health.ready ? 'ready' : `not ready: ${health.sentence}`}${old}`, colour }
}

export function droppedText(health: Health & { readonly asked: true }): string {
  const reasons = Object.entries(health.droppedByReason).map(([reason, count]) => `${reason} ${counted(count)}`)
  return `${counted(health.dropped)} dropped${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`
}

/** 1234567 as 1,234,567. */
export const counted = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',')

function verdict({ pods, summary }: StatusReport, colours: boolean): string {
  const { blind, refused, olderSidecars, unwell } = summary
  const asks = summary.pods === 1 ? 'that asks' : 'that ask'
  const lines = [`Tapped: ${summary.tapped} of ${podsText(summary.pods)} ${asks} for it.`]
  if (blind > 0) lines.push('', painted(`${podsText(blind)} in a blind spot`, 'red', colours))
  lines.push(...groups(pods.filter(({ tap }) => tap === 'blind')))
  if (refused > 0) lines.push('', painted(`${podsText(refused)} cannot be tapped`, 'yellow', colours))
  lines.push(...groups(pods.filter(({ tap }) => tap === 'refused')))
  if (olderSidecars > 0)
    lines.push('', painted(`${podsText(olderSidecars)} with a sidecar older than the injector`, 'yellow', colours))
  lines.push(...noteGroups(pods))
  if (unwell > 0)
    lines.push('', `${podsText(unwell)} whose sidecar is not ready or did not answer: vxtap why pod/NAME says more`)
  return lines.map((line) => `${line}\n`).join('')
}

const podsText = (count: number): string => (count === 1 ? '1 pod' : `${count} pods`)

/** For each sentence once, what to do and where. */
function groups(pods: readonly PodReport[]): string[] {
  const bySentence = new Map<string, PodReport[]>()
  for (const pod of pods) {
    const key = `${pod.reason}: ${pod.sentence}`
    bySentence.set(key, [...(bySentence.get(key) ?? []), pod])
  }
  return [...bySentence].flatMap(([sentence, found]) => [
    `  ${sentence}`,
    ...atMost(unique(found.map(({ remedy }) => remedy).filter((remedy) => remedy !== ''))).map(
      (remedy) => `    ${remedy}`,
    ),
    ...(found[0]?.tap === 'blind'
      ? []
      : atMost(found.map(({ namespace, pod }) => `${namespace}/${pod}`)).map((pod) => `    - ${pod}`)),
  ])
}

const noteGroups = (pods: readonly PodReport[]): string[] =>
  atMost(
    unique(pods.flatMap(({ notes }) => notes.filter(({ code }) => code === 'older_sidecar').map(({ text }) => text))),
  ).map((text) => `  ${text}`)

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

const atMost = (texts: readonly string[]): string[] =>
  texts.length <= mostShown
    ? [...texts]
    : [...texts.slice(0, mostShown), `and ${texts.length - mostShown} more: -o json has all`]
