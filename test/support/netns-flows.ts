/** UDP flows whose datagrams are numbered, for looking at what became of their order. */
import type { LabPod } from '../../lab/network/pod.ts'
import { connectUdp } from './netns-sockets.ts'

export const flowPort = 33_340
const firstLocalPort = 40_000

export interface Flows {
  readonly count: number
  /** Datagrams of each. */
  readonly each: number
  /** Bytes of UDP payload, in turn, 8 at least. */
  readonly sizes: readonly number[]
  readonly family?: 4 | 6
  /** The first number; 0 unless given. */
  readonly first?: number
}

/** Sends the flows' datagrams in turns, from one pod to another. */
export function sendFlows(from: LabPod, to: LabPod, { count, each, sizes, family = 4, first = 0 }: Flows): void {
  const address = family === 4 ? to.address4 : to.address6
  // The same source ports each time, so that flows go on where they were.
  const senders = Array.from({ length: count }, (_, flow) =>
    connectUdp(from.namespace, family, address, flowPort, { localPort: firstLocalPort + flow }),
  )
  for (let number = first; number < first + each; number++) {
    senders.forEach((sender, flow) => {
      const payload = Buffer.alloc(sizes[(flow * 7 + number) % sizes.length]!, flow)
      payload.writeUInt32BE(flow, 0)
      payload.writeUInt32BE(number, 4)
      sender.send(payload)
    })
  }
  for (const sender of senders) sender.close()
}

/** By flow, the numbers of the frames that carry one, in the order in which they came. */
export function numbersByFlow(frames: readonly Buffer[]): Map<number, number[]> {
  const flows = new Map<number, number[]>()
  for (const frame of frames) {
    const udp = frame.readUInt16BE(12) === 0x0800 ? 34 : 54
    const isUdp = frame.length >= udp + 16 && frame[udp === 34 ? 23 : 20] === 17
    if (!isUdp || frame.readUInt16BE(udp + 2) !== flowPort) continue
    const flow = frame.readUInt32BE(udp + 8)
    const numbers = flows.get(flow) ?? []
    flows.set(flow, [...numbers, frame.readUInt32BE(udp + 12)])
  }
  return flows
}

/** What `numbersByFlow` finds where nothing is missing, repeated or out of order. */
export function wholeFlows({ count, each }: Flows): Map<number, number[]> {
  const numbers = Array.from({ length: each }, (_, index) => index)
  return new Map(Array.from({ length: count }, (_, flow) => [flow, numbers]))
}
