/** What the commands found, in the shape that `-o json` prints. Fields are added, never renamed or removed; `format` says so. */
import type { Standing } from '../injector/blind-spots/judge.ts'

export const format = 1

/** What the sidecar said of itself, or why it did not. */
export type Health =
  | {
      readonly asked: true
      readonly ready: boolean
      /** In its own words. */
      readonly sentence: string
      readonly capturing: boolean
      readonly sensors: number
      readonly captured: number
      readonly sent: number
      readonly dropped: number
      /** Reasons that are not zero. */
      readonly droppedByReason: Readonly<Record<string, number>>
    }
  | { readonly asked: false; readonly why: string }

export interface PodReport extends Standing {
  readonly namespace: string
  readonly pod: string
  /** `ReplicaSet/web-5d4`, or empty. */
  readonly owner: string
  readonly phase: string
  readonly created: string
  readonly health?: Health
}

export interface InjectorSeen {
  readonly namespace: string
  readonly name: string
  readonly version: string
  readonly replicas: number
  readonly ready: number
  readonly created: string
}

export interface Summary {
  /** Pods that ask for a tap, or have one. */
  readonly pods: number
  readonly tapped: number
  /** They ask for one and cannot have it, each for a reason of the catalogue. */
  readonly refused: number
  /** They ask for one, nothing is against it, and they have none. */
  readonly blind: number
  readonly olderSidecars: number
  /** Tapped, and the sidecar says that it is not ready, or does not answer. */
  readonly unwell: number
}

export interface StatusReport {
  readonly format: typeof format
  readonly injector: InjectorSeen | null
  readonly summary: Summary
  readonly pods: readonly PodReport[]
  /** What the reader should know: what could not be read, and what was assumed instead. */
  readonly notes: readonly string[]
}

export function summaryOf(pods: readonly PodReport[]): Summary {
  const count = (matches: (pod: PodReport) => boolean): number => pods.filter(matches).length
  return {
    pods: pods.length,
    tapped: count(({ tap }) => tap === 'tapped'),
    refused: count(({ tap }) => tap === 'refused'),
    blind: count(({ tap }) => tap === 'blind'),
    olderSidecars: count(({ notes }) => notes.some(({ code }) => code === 'older_sidecar')),
    unwell: count(({ health }) => health !== undefined && !(health.asked && health.ready)),
  }
}

/** What the flag --fail-on-blind-spots is about: nothing of the pod is mirrored, or by an old program. */
export const hasBlindSpots = ({ blind, olderSidecars }: Summary): boolean => blind + olderSidecars > 0
