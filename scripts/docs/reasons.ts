/** The catalogues of injection reasons and drop reasons; each reason is a heading that links can point at. */

import { type BlindSpotCode, blindSpotAnchor, blindSpots } from '../../contract/blind-spots.ts'
import { type DropReason, dropReasons } from '../../contract/drop-reasons.ts'
import { injectionReasons, reasonAnchor } from '../../contract/injection-reasons.ts'
import { mirrorRefusals } from '../../contract/mirror-refusals.ts'
import { preparationOutcomes } from '../../contract/preparation-outcomes.ts'
import { code, sentence, table } from './markdown.ts'

interface Catalogued {
  readonly outcome: 'inject' | 'skip'
  readonly warn: boolean
  readonly sentence: string
  readonly remedy: string
}

const reasons = Object.entries(injectionReasons) as [keyof typeof injectionReasons, Catalogued][]

/** Parameters in braces become code, so that the catalogue reads as text. */
const readable = (text: string): string => text.replaceAll(/\{(\w+)\}/g, '`{$1}`')

export function injectionReasonsIndex(): string {
  const rows = reasons.map(([reason, { outcome, warn }]) => [
    `[${code(reason)}](#${reasonAnchor(reason).split('#')[1]})`,
    outcome === 'inject' ? 'injected' : 'left alone',
    warn ? 'yes' : 'no',
  ])
  return table(['Reason', 'The pod is', 'Its creator is warned'], rows)
}

export function injectionReasonsText(): string {
  return reasons
    .map(([reason, { sentence: text, remedy }]) => {
      const heading = reasonAnchor(reason).split('#')[1]
      const help = remedy === '' ? '' : `\n\n*What to do:* ${sentence(readable(remedy))}`
      return `### ${heading}\n\n${code(reason)}: ${sentence(readable(text))}${help}`
    })
    .join('\n\n')
}

export function blindSpotsText(): string {
  return (Object.keys(blindSpots) as BlindSpotCode[])
    .map((spot) => {
      const heading = blindSpotAnchor(spot).split('#')[1]
      const { sentence: text, remedy } = blindSpots[spot]
      return `### ${heading}\n\n${code(spot)}: ${sentence(readable(text))}\n\n*What to do:* ${sentence(readable(remedy))}`
    })
    .join('\n\n')
}

/** What an operator does about each; the catalogue itself says only what happened. */
const dropRemedies: Record<DropReason, string> = {
  ring_full:
    'Raise `vxtap.io/cpu-limit` first: a sidecar that has used up its CPU quota cannot empty the ring. If the drops come in bursts, raise `RING_MIB`. If the pod sends more than one core can mirror, narrow `vxtap.io/filter` or mirror fewer flows with `vxtap.io/sample-flows`.',
  no_sensor:
    "Read the sidecar's log: it says what it looked for and what it found. The usual causes are a sensor pod without the label `run: <name>`, one that is not Ready, a wrong `vxtap.io/sensor-namespace`, or a service account that may not `get, list, watch pods` there.",
  rate_limited: 'This is what `vxtap.io/max-mbps` asks for. Raise it, or set it to 0 for no limit.',
  sampled_out: 'This is what `vxtap.io/sample-flows` asks for. Set it to 100 to mirror every flow.',
  send_error:
    'Look at `vxtap_send_errors_total` for the errno: `EMSGSIZE` means a frame that is larger than a datagram may be, `ENETUNREACH` and `EHOSTUNREACH` a missing route, `EPERM` a network policy or firewall that rejects the tunnel, `ENOBUFS` a queue of the interface that is full.',
  truncated:
    'A frame was larger than a slot of the ring. Look at the BIG TCP sizes of the interface (`gso_max_size`, `gro_max_size`); a report of a defect is welcome.',
  malformed:
    'A tunnel that the application makes inside the pod, or SCTP: turn the segmentation of such packets off in the pod, and the kernel cuts them before they are captured ([limits.md](limits.md)). Without either, something on the node makes frames that contradict their own metadata, and a report with a capture is welcome.',
  shutdown:
    'The pod ended while frames waited. If the number is large, the sensor or the network could not take them in the time that the pod had to end.',
}

export function dropReasonsText(): string {
  return (Object.keys(dropReasons) as DropReason[])
    .map((reason) => {
      const heading = reason.replaceAll('_', '-')
      return `### ${heading}\n\n${code(reason)}: ${sentence(dropReasons[reason])}\n\n*What to do:* ${dropRemedies[reason]}`
    })
    .join('\n\n')
}

export function preparationOutcomesTable(): string {
  const rows = Object.entries(preparationOutcomes).map(([outcome, { exit, sentence: text, remedy }]) => [
    code(outcome),
    String(exit.code),
    [text, remedy]
      .filter((part) => part !== '')
      .map((part) => sentence(readable(part)))
      .join(' '),
  ])
  return table(['Outcome', 'Exit code', 'Sentence, and what to do'], rows)
}

export function mirrorRefusalsTable(): string {
  const rows = Object.entries(mirrorRefusals).map(([reason, { sentence: text, remedy }]) => [
    code(reason),
    [text, remedy].map((part) => sentence(readable(part))).join(' '),
  ])
  return table(['Reason', 'Sentence, and what to do'], rows)
}
