/**
 * What the sidecar counts. Plain numbers: the packet path adds to them, the metrics page and the summary line read them.
 *
 * The law that ties them, whenever nothing is in flight: captured = sent + the sum of dropped. All three count frames of
 * the wire: a super-frame counts as the segments that it stands for.
 */
import { type DropReason, dropReasons } from '../contract/drop-reasons.ts'

/**
 * Makes an object's numbers what V8 keeps as doubles from the start. It lays a field out for 32-bit integers until the
 * first larger one comes, and then throws away the compiled code of all that touches the object: the whole packet path,
 * 2^31 captured bytes after it began, which at 30 Gbit/s is half a second.
 */
function keepAsDoubles(counts: Record<string, unknown>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (typeof count !== 'number') continue
    counts[name] = Number.MAX_SAFE_INTEGER
    counts[name] = count
  }
}

export class Counters {
  /** Frames that the interface carried and the filter passed, those included that the kernel's ring had no room for. */
  capturedFrames = 0
  capturedBytes = 0
  sentFrames = 0
  /** Bytes of VXLAN datagrams, outer IP and UDP headers not counted. */
  sentBytes = 0
  superFrames = 0
  segments = 0
  checksumsCompleted = 0
  vlanTagsRestored = 0
  /** Frames sent with only their first SNAPLEN bytes. */
  snappedFrames = 0
  /** Times the kernel found the whole ring in our hands. */
  ringFreezes = 0
  targetChanges = 0
  readonly dropped: Record<DropReason, number> = Object.fromEntries(
    Object.keys(dropReasons).map((reason) => [reason, 0]),
  ) as Record<DropReason, number>
  /** Errors that a send call returned, by errno name; most are followed by a second try that succeeds. */
  readonly sendErrors = new Map<string, number>()

  /** Batches that the kernel refused as such, by errno name; their datagrams were sent one by one. */
  readonly refusedBatches = new Map<string, number>()

  constructor() {
    keepAsDoubles(this as unknown as Record<string, unknown>)
    keepAsDoubles(this.dropped)
  }

  countRefusedBatch(name: string): void {
    this.refusedBatches.set(name, (this.refusedBatches.get(name) ?? 0) + 1)
  }

  countSendError(name: string): void {
    this.sendErrors.set(name, (this.sendErrors.get(name) ?? 0) + 1)
  }

  totalDropped(): number {
    return Object.values(this.dropped).reduce((sum, count) => sum + count, 0)
  }
}
