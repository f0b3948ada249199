/** What the pipeline asks of whatever carries datagrams to the sensors. */
import type { OwnTunnel } from '../capture/filter.ts'
import type { Target } from '../target/target.ts'
import type { Batch } from './batch-mode.ts'

export interface PathState {
  readonly name: string
  readonly mtu: number
  readonly batch: Batch
}

export interface Transport {
  /** Bytes of scratch space that the pipeline may use between two flushes, for the headers of segments. */
  readonly scratchLength: number
  /** The targets that can be sent to now; `add` and `maxFrame` take an index into this list. */
  readonly targets: readonly Target[]
  /** Replaces the targets; datagrams that wait go to the old ones first. */
  setTargets(targets: readonly Target[]): void
  /** The largest inner frame, Ethernet header included, whose datagram fits the path to a target. Bytes. */
  maxFrame(target: number): number
  /**
   * Hands over one datagram: a head (VXLAN header first) and, where `payloadLength` is not 0, a second piece. Both
   * must stay as they are until the next flush.
   * @param flow symmetric flow hash; equal hashes leave in order and from the same source port
   */
  add(target: number, flow: number, headAt: number, headLength: number, payloadAt: number, payloadLength: number): void
  /** Sends all that waits. */
  flush(): void
  /** Looks again at what changes without notice: path MTUs. Once a second at most. */
  refresh(): void
  /** What the capture must leave out. */
  ownTunnel(): OwnTunnel
  /** Path MTU of each target and how datagrams leave for it, for the metrics page. */
  paths(): PathState[]
  close(): void
}
