/** What carries frames to the sensors, as the sidecar sees it, and as the pipeline does. */
import type { OwnTunnel } from '../capture/filter-parts.ts'
import type { Target } from '../target/target.ts'
import type { Batch } from './batch-mode.ts'

export interface PathState {
  readonly name: string
  readonly mtu: number
  readonly batch: Batch
}

/** What discovery hands sensors to, and what can be seen of it. */
export interface Outlets {
  /** The targets that frames are sent to now. */
  readonly targets: readonly Target[]
  /** How many of those that discovery found cannot be sent to. */
  readonly unsendable: number
  /** Replaces the targets; datagrams that wait go to the old ones first. */
  setTargets(targets: readonly Target[]): void
  /** Looks again at what changes without notice: path MTUs. Once a second at most. */
  refresh(): void
  /** Path MTU of each target and how datagrams leave for it, for the metrics page. */
  paths(): PathState[]
  close(): void
}

export interface Transport extends Outlets {
  /** Bytes of scratch space that the pipeline may use between two flushes, for the headers of segments. */
  readonly scratchLength: number
  /** The largest inner frame, Ethernet header included, whose datagram fits the path to an index of `targets`. Bytes. */
  maxFrame(target: number): number
  /**
   * Hands over one datagram: a head (VXLAN header first) and, where `payloadLength` is not 0, a second piece. Both
   * must stay as they are until the next flush.
   * @param target index of `targets`
   * @param flow symmetric flow hash; equal hashes leave in order and from the same source port
   */
  add(target: number, flow: number, headAt: number, headLength: number, payloadAt: number, payloadLength: number): void
  /** Sends all that waits. */
  flush(): void
  /** What the capture must leave out. */
  ownTunnel(): OwnTunnel
}
