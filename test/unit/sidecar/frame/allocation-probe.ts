/**
 * Prints, as JSON, how many heap bytes a call of each hot function costs once optimized. A program of its own, run by
 * plain Node with --expose-gc: the test runner wraps imports, which keeps V8 from inlining and so from not allocating.
 */

import { Counters } from '../../../../sidecar/counters.ts'
import { flowHash } from '../../../../sidecar/frame/flow.ts'
import { inferVirtio } from '../../../../sidecar/frame/infer.ts'
import { completeChecksum } from '../../../../sidecar/frame/repair.ts'
import { emptySegmentPlan, planSegments, writeSegment } from '../../../../sidecar/frame/segment.ts'
import { restoreVlanTag } from '../../../../sidecar/frame/vlan.ts'
import { reserveRing } from '../../../../sidecar/linux/ring-place.ts'
import { Pipeline } from '../../../../sidecar/pipeline.ts'
import { BatchList, batchShape, listLength } from '../../../../sidecar/tunnel/batch-list.ts'
import type { Transport } from '../../../../sidecar/tunnel/transport.ts'
import { sumBytes } from '../../../../wire/checksum.ts'
import { Memory } from '../../../../wire/memory.ts'
import { emptyParsedFrame, parseFrame } from '../../../../wire/parse.ts'
import { emptyVirtio } from '../../../../wire/virtio.ts'
import { buildFrame, place } from '../../../support/frames.ts'

/** The median of many rounds after a collection each; what happens while V8 still compiles does not count. */
function heapBytesPerCall(call: () => void): number {
  const calls = 2000
  const rounds: number[] = []
  for (let round = 0; round < 40; round++) {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < calls; i++) call()
    rounds.push((process.memoryUsage().heapUsed - before) / calls)
  }
  const late = rounds.slice(20).sort((a, b) => a - b)
  return late[late.length >> 1]!
}

const frame = buildFrame({ payload: new Array(5000).fill(3), tcpOptions: new Array(12).fill(1), checksum: 'partial' })
const { memory, at, length, outAt } = place(frame.bytes, 0, 512)
const virtio = { flags: 1, gsoType: 1, ecn: true, headerLength: 66, gsoSize: 1448, csumStart: 34, csumOffset: 16 }
const parsed = emptyParsedFrame()
const plan = emptySegmentPlan()
const into = emptyVirtio()
const kept: object[] = [{}]
let hash = 0
const list = new BatchList(
  { memory: new Memory(new ArrayBuffer(listLength(batchShape))), address: 0x7f00_0000_0000, at: 0 },
  batchShape,
  0x7e00_0000_0000,
  65_507,
)
list.joinUpTo(1472)

const small = buildFrame({ payload: [1, 2, 3] })
const wired = new Memory(new ArrayBuffer(1 << 16))
wired.u8.set(small.bytes, 4096)
const sent = new Int32Array(4)
const transport: Transport = {
  scratchLength: 4096,
  targets: [{ key: 'a', name: 'a', address: '192.0.2.1', family: 4, sameNode: false, cut: 'wire', seed: 1 }],
  unsendable: 0,
  setTargets: () => {},
  maxFrame: () => 1500,
  add: (_target, flow, headAt, headLength) => {
    sent[0] = flow
    sent[1] = headAt + headLength
  },
  flush: () => {},
  refresh: () => {},
  ownTunnel: () => ({ mark: 0, sensorPort: 4789, firstPort4: 0, firstPort6: 0, portCount: 4, addresses: [] }),
  paths: () => [],
  close: () => {},
}
const pipeline = new Pipeline(
  wired,
  8194,
  transport,
  { vni: 1, snaplen: 0, segment: 'fit', maxMbps: 0, sampleFlows: 100 },
  new Counters(),
)

const ring = reserveRing(1 << 20, 1 << 16).memory
ring.u32.fill(0xfedc_ba98)

const calls: Record<string, () => void> = {
  control: () => {
    kept[0] = { hash }
  },
  segment: () => {
    planSegments(memory, at, length, virtio, Infinity, plan)
    for (let index = 0; index < plan.count; index++) writeSegment(memory, plan, index, outAt)
  },
  flow: () => {
    parseFrame(memory, at, length, parsed)
    hash ^= flowHash(memory, at, length, parsed)
  },
  repair: () => {
    completeChecksum(memory, at, length, virtio)
  },
  vectors: () => {
    hash ^= sumBytes(ring, at, 1400, hash & 0xffff)
  },
  vlan: () => {
    restoreVlanTag(memory, at, 5, 0x8100)
  },
  pipeline: () => {
    // Many flows: about half of their hashes have the highest bit.
    for (let index = 0; index < 40; index++) {
      wired.u8[4096 + small.l4 + 1] = index
      pipeline.frame(4096, small.bytes.length, into, false)
    }
  },
  batch: () => {
    for (let index = 0; index < 40; index++) list.add(index << 8, index, 100 + (index & 3), 0, 0)
    list.seal()
    list.clear()
  },
  infer: () => {
    inferVirtio(memory, at, length, 1500, into)
  },
}

const bytes = Object.entries(calls).map(([name, call]) => [name, heapBytesPerCall(call)] as const)
console.log(JSON.stringify(Object.fromEntries(bytes)))
