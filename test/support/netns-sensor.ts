/**
 * What arrives at a sensor: everything on its eth0, written by dumpcap, reassembled and decapsulated here. Slow and plain,
 * and without a line of wire/ but the reader of capture files.
 */
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Capture } from '../../lab/network/capture.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { readCapture } from '../../wire/pcap.ts'

export interface TunnelDatagram {
  /** 4 or 6: the outer header's. */
  readonly family: 4 | 6
  readonly sourcePort: number
  /** Of the outer UDP header; what a device was to complete is incomplete here. */
  readonly checksum: number
  /** The eight bytes in front of the frame. */
  readonly vxlan: Buffer
  readonly frame: Buffer
  /** How many IP packets carried it. */
  readonly pieces: number
}

export interface SensorCapture {
  /** Ends capturing. @throws Error when dumpcap lost frames, so that nothing could be concluded */
  stop(): Promise<readonly Buffer[]>
}

let files = 0

/** Captures everything on a pod's eth0. */
export async function captureEth0(pod: LabPod, filter = ''): Promise<SensorCapture> {
  const file = join(process.env['VXTAP_SANDBOX'] === '1' ? '/run' : tmpdir(), `${pod.name}-${files++}.pcapng`)
  const capture: Capture = await pod.capture(file, { at: 'pod', filter })
  return {
    async stop() {
      const totals = await capture.stop()
      if (totals.dropped > 0) throw new Error(`dumpcap lost ${totals.dropped} frames at ${pod.name}`)
      const { frames } = readCapture(readFileSync(file))
      rmSync(file)
      return frames.map((frame) => Buffer.from(frame.data))
    },
  }
}

interface Outer {
  readonly family: 4 | 6
  readonly protocol: number
  readonly key: string
  readonly offset: number
  readonly more: boolean
  readonly payload: Buffer
}

const udp = 17
const fragmentHeader = 44

/** The outer IP packet of a frame without VLAN tags; undefined for anything else. */
function outerPacket(frame: Buffer): Outer | undefined {
  if (frame.length < 34) return undefined
  const ip = frame.subarray(14)
  if (frame.readUInt16BE(12) === 0x0800) {
    const fragment = ip.readUInt16BE(6)
    return {
      family: 4,
      protocol: ip[9]!,
      key: ip.toString('hex', 12, 20) + ip.toString('hex', 4, 6),
      offset: (fragment & 0x1fff) * 8,
      more: (fragment & 0x2000) !== 0,
      payload: ip.subarray((ip[0]! & 15) * 4, ip.readUInt16BE(2)),
    }
  }
  if (frame.readUInt16BE(12) !== 0x86dd || frame.length < 62) return undefined
  const end = 40 + ip.readUInt16BE(4)
  if (ip[6] !== fragmentHeader) {
    return { family: 6, protocol: ip[6]!, key: '', offset: 0, more: false, payload: ip.subarray(40, end) }
  }
  const fragment = ip.readUInt16BE(42)
  return {
    family: 6,
    protocol: ip[40]!,
    key: ip.toString('hex', 8, 40) + ip.toString('hex', 44, 48),
    offset: fragment & 0xfff8,
    more: (fragment & 1) !== 0,
    payload: ip.subarray(48, end),
  }
}

/** The VXLAN datagrams to a port among captured frames, in the order in which they were complete. */
export function tunnelDatagrams(frames: readonly Buffer[], port = 4789): TunnelDatagram[] {
  const datagrams: TunnelDatagram[] = []
  const incomplete = new Map<string, Outer[]>()
  for (const frame of frames) {
    const outer = outerPacket(frame)
    if (outer === undefined || outer.protocol !== udp) continue
    let payload: Buffer | undefined = outer.payload
    let pieces = 1
    if (outer.offset !== 0 || outer.more) {
      const fragments = [...(incomplete.get(outer.key) ?? []), outer]
      incomplete.set(outer.key, fragments)
      payload = whole(fragments)
      pieces = fragments.length
      if (payload !== undefined) incomplete.delete(outer.key)
    }
    if (payload === undefined || payload.length < 16 || payload.readUInt16BE(2) !== port) continue
    datagrams.push({
      family: outer.family,
      sourcePort: payload.readUInt16BE(0),
      checksum: payload.readUInt16BE(6),
      vxlan: payload.subarray(8, 16),
      frame: payload.subarray(16, payload.readUInt16BE(4)),
      pieces,
    })
  }
  if (incomplete.size > 0) throw new Error(`${incomplete.size} datagrams stayed incomplete: fragments are missing`)
  return datagrams
}

function whole(fragments: readonly Outer[]): Buffer | undefined {
  const inOrder = [...fragments].sort((a, b) => a.offset - b.offset)
  let reached = 0
  for (const fragment of inOrder) {
    if (fragment.offset !== reached) return undefined
    reached += fragment.payload.length
  }
  return inOrder.at(-1)!.more ? undefined : Buffer.concat(inOrder.map((fragment) => fragment.payload))
}

/**
 * The frames of a tapped interface that are to be mirrored: all but the tunnel itself, which is known here by what it
 * carries (a VXLAN header with this identifier), its fragments by their packet's id, and ICMP errors by what they quote.
 * ARP and neighbour discovery are left out too: they come when they like.
 */
export function applicationFrames(frames: readonly Buffer[], vxlan: string): Buffer[] {
  const tunnelPorts = new Set<string>()
  const tunnelPackets = new Set<string>()
  const isTunnel = (frame: Buffer): boolean => {
    const outer = outerPacket(frame)
    if (outer === undefined || outer.protocol !== udp) return false
    if (outer.offset !== 0) return tunnelPackets.has(outer.key)
    if (outer.payload.toString('hex', 8, 16) !== vxlan) return false
    tunnelPorts.add(outer.payload.toString('hex', 0, 4))
    if (outer.more) tunnelPackets.add(outer.key)
    return true
  }
  const quotesTunnel = (frame: Buffer): boolean => {
    const outer = outerPacket(frame)
    if (outer === undefined || outer.payload.length < 36) return false
    if (outer.protocol === 1) return outer.payload[0] === 3 && tunnelPorts.has(outer.payload.toString('hex', 28, 32))
    // An ICMPv6 error quotes more than an IPv6 header: behind a fragment header, the ports come 8 bytes later.
    if (outer.protocol !== 58 || outer.payload[0]! > 4) return false
    const ports = outer.payload[14] === fragmentHeader ? 56 : 48
    return tunnelPorts.has(outer.payload.toString('hex', ports, ports + 4))
  }
  return frames
    .filter((frame) => !isTunnel(frame) && !isNeighbourTraffic(frame))
    .filter((frame) => !quotesTunnel(frame))
}

/** ARP, and ICMPv6 about neighbours, routers and multicast listeners. */
export function isNeighbourTraffic(frame: Buffer): boolean {
  if (frame.readUInt16BE(12) === 0x0806) return true
  if (frame.readUInt16BE(12) !== 0x86dd) return false
  // Multicast listener reports have a hop-by-hop header in front.
  const type = frame[20] === 58 ? frame[54]! : frame[20] === 0 && frame[54] === 58 ? frame[62]! : 0
  return type >= 130 && type <= 143
}
