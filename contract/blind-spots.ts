/**
 * What is found of pods that are there already, in addition to the reasons for which the injector decides on new ones
 * (injection-reasons.ts). A closed catalogue too: the code labels the metric, the log line, the event and what
 * `vxtap why` and `vxtap status` say; the sentence is the same everywhere. Codes are never reused.
 */
import { type ReasonCode, skipCodesThatWarn } from './injection-reasons.ts'

interface BlindSpot {
  /** Whether nothing of the pod is mirrored. */
  readonly untapped: boolean
  /** `{parameter}` stands for what is filled in. */
  readonly sentence: string
  readonly remedy: string
}

export const blindSpots = {
  started_without_injector: {
    untapped: true,
    sentence:
      'the pod asks for a tap and runs without one: no injector answered when it was created, or the tap was asked for afterwards',
    remedy: 'create it anew: {how}',
  },
  unseen_by_webhook: {
    untapped: true,
    sentence: 'the pod runs without a tap, because {what} alone asks for one, which the webhook does not see',
    remedy: 'set the label vxtap.io/inject: "true" on {where}, then create the pod anew: {how}',
  },
  older_sidecar: {
    untapped: false,
    sentence: 'the sidecar is of version {sidecar}, older than the injector, which is of version {injector}',
    remedy: 'create the pod anew when it suits: {how}',
  },
} as const satisfies Record<string, BlindSpot>

export type BlindSpotCode = keyof typeof blindSpots

/** The sentence and the remedy, filled in; no final full stop. */
export function describeBlindSpot(
  code: BlindSpotCode,
  parameters: Readonly<Record<string, string>>,
): { readonly sentence: string; readonly remedy: string } {
  const fill = (template: string): string =>
    template.replace(/\{(\w+)\}/g, (placeholder, name: string) => parameters[name] ?? placeholder)
  const { sentence, remedy } = blindSpots[code]
  return { sentence: fill(sentence), remedy: fill(remedy) }
}

/** Why a pod that is there, and that asks for a tap, has none. */
export type UntappedReason = BlindSpotCode | ReasonCode

/** Every label of the metric that counts those pods. */
export const untappedReasons: readonly UntappedReason[] = [
  ...(Object.keys(blindSpots) as BlindSpotCode[]).filter((code) => blindSpots[code].untapped),
  ...skipCodesThatWarn,
]

/** Where the documentation explains a code. */
export function blindSpotAnchor(code: BlindSpotCode): string {
  return `docs/injection-reasons.md#${code.replaceAll('_', '-')}`
}
