/**
 * A frame's way through the sidecar, once, front to back: flow, target, repair or segment, encapsulate, hand over.
 * The only file that names every step. Nothing here allocates, throws or logs while frames pass.
 */
import type { SidecarSettings } from '../contract/sidecar-settings.ts'
import type { Memory } from '../wire/memory.ts'
import { emptyParsedFrame } from '../wire/parse.ts'
import { gsoNone, type VirtioHeader, virtioNeedsCsum } from '../wire/virtio.ts'
import { vxlanHeaderLength, writeVxlanHeader } from '../wire/vxlan.ts'
import type { Counters } from './counters.ts'
import { frameFlow } from './frame/flow.ts'
import { completeChecksum } from './frame/repair.ts'
import { emptySegmentPlan, planSegments, segmentLength, segmentTruncated, writeSegment } from './frame/segment.ts'
import { RateLimit } from './rate-limit.ts'
import { rendezvous } from './target/choose.ts'
import { overheadIpv6 } from './tunnel/mtu.ts'
import type { Transport } from './tunnel/transport.ts'

export type PipelineSettings = Pick<SidecarSettings, 'vni' | 'snaplen' | 'segment' | 'maxMbps' | 'sampleFlows'>

/** Room in front of a frame that an engine must leave: a VXLAN header and a VLAN tag. Bytes. */
export const headroom = 16

export class Pipeline {
  readonly #memory: Memory
  readonly #transport: Transport
  readonly #counters: Counters
  readonly #vni: number
  readonly #snaplen: number
  readonly #fit: boolean
  readonly #samplePercent: number
  readonly #rate: RateLimit | undefined
  readonly #scratchStart: number
  readonly #scratchEnd: number
  readonly #parsed = emptyParsedFrame()
  readonly #plan = emptySegmentPlan()
  #scratch: number

  /** @param scratchStart offset of the transport's scratch space in the memory; 2 modulo 4, so that IP headers are aligned */
  constructor(
    memory: Memory,
    scratchStart: number,
    transport: Transport,
    settings: PipelineSettings,
    counters: Counters,
  ) {
    this.#memory = memory
    this.#transport = transport
    this.#counters = counters
    this.#vni = settings.vni
    this.#snaplen = settings.snaplen === 0 ? Number.POSITIVE_INFINITY : settings.snaplen
    this.#fit = settings.segment === 'fit'
    this.#samplePercent = settings.sampleFlows
    this.#rate = settings.maxMbps === 0 ? undefined : new RateLimit(settings.maxMbps)
    this.#scratchStart = scratchStart
    this.#scratchEnd = scratchStart + transport.scratchLength
    this.#scratch = scratchStart
  }

  /** Lets time pass for the rate limit; once a block is enough. */
  tick(nowMs: number): void {
    this.#rate?.refill(nowMs)
  }

  /**
   * One captured frame, VLAN tag in place.
   *
   * Preconditions: `headroom` writable bytes stand before `at`; the bytes stay as they are until `flush`.
   * @param virtio offsets in it are relative to `at`
   * @param cut true when the kernel kept only part of the frame
   */
  frame(at: number, length: number, virtio: VirtioHeader, cut: boolean): void {
    const counters = this.#counters
    counters.capturedBytes += length
    const flow = frameFlow(this.#memory, at, length, this.#parsed)
    const sampledOut = this.#samplePercent !== 100 && (flow >>> 8) % 100 >= this.#samplePercent
    const targets = this.#transport.targets
    const target = targets.length === 1 ? 0 : rendezvous(targets, flow)
    if (virtio.gsoType !== gsoNone) {
      this.#superFrame(at, length, virtio, flow, sampledOut, target, cut)
      return
    }
    counters.capturedFrames++
    if (sampledOut) counters.dropped.sampled_out++
    else if (target < 0) counters.dropped.no_sensor++
    else if (cut) counters.dropped.truncated++
    else if (this.#rate && !this.#rate.take(Math.min(length, this.#snaplen) + overheadIpv6))
      counters.dropped.rate_limited++
    else {
      if ((virtio.flags & virtioNeedsCsum) !== 0 && completeChecksum(this.#memory, at, length, virtio)) {
        counters.checksumsCompleted++
      }
      let kept = length
      if (length > this.#snaplen) {
        kept = this.#snaplen
        counters.snappedFrames++
      }
      writeVxlanHeader(this.#memory, at - vxlanHeaderLength, this.#vni)
      this.#transport.add(target, flow, at - vxlanHeaderLength, vxlanHeaderLength + kept, 0, 0)
    }
  }

  #superFrame(
    at: number,
    length: number,
    virtio: VirtioHeader,
    flow: number,
    sampledOut: boolean,
    target: number,
    cut: boolean,
  ): void {
    const counters = this.#counters
    const plan = this.#plan
    counters.superFrames++
    const maxFrame = this.#fit && target >= 0 ? this.#transport.maxFrame(target) : Number.POSITIVE_INFINITY
    const refused = planSegments(this.#memory, at, length, virtio, maxFrame, plan)
    const headLength = vxlanHeaderLength + plan.headerLength
    if (refused !== 0 || cut || headLength > this.#transport.scratchLength) {
      counters.capturedFrames++
      if (cut || refused === segmentTruncated) counters.dropped.truncated++
      else counters.dropped.malformed++
      return
    }
    const count = plan.count
    counters.capturedFrames += count
    counters.segments += count
    if (sampledOut) counters.dropped.sampled_out += count
    else if (target < 0) counters.dropped.no_sensor += count
    else for (let index = 0; index < count; index++) this.#segment(flow, target, index)
  }

  #segment(flow: number, target: number, index: number): void {
    const counters = this.#counters
    const plan = this.#plan
    const payloadLength = segmentLength(plan, index)
    const frameLength = plan.headerLength + payloadLength
    if (this.#rate && !this.#rate.take(Math.min(frameLength, this.#snaplen) + overheadIpv6)) {
      counters.dropped.rate_limited++
      return
    }
    const room = vxlanHeaderLength + plan.headerLength
    if (this.#scratch + room > this.#scratchEnd) this.flush()
    const headAt = this.#scratch
    // The next head starts 2 modulo 4 as well.
    this.#scratch += (room + 3) & ~3
    writeVxlanHeader(this.#memory, headAt, this.#vni)
    const headerLength = writeSegment(this.#memory, plan, index, headAt + vxlanHeaderLength)
    let keptHeader = headerLength
    let keptPayload = payloadLength
    if (headerLength + payloadLength > this.#snaplen) {
      keptHeader = Math.min(headerLength, this.#snaplen)
      keptPayload = this.#snaplen - keptHeader
      counters.snappedFrames++
    }
    const payloadAt = plan.payloadAt + index * plan.segmentSize
    this.#transport.add(target, flow, headAt, vxlanHeaderLength + keptHeader, payloadAt, keptPayload)
  }

  /** Sends what waits; afterwards the frames handed over are no longer needed. */
  flush(): void {
    this.#transport.flush()
    this.#scratch = this.#scratchStart
  }
}
