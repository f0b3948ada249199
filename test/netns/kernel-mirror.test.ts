/**
 * The mirror that is made of the kernel's own parts: what it mirrors, what it leaves behind.
 *
 *   [peer] eth0 ==== br0 of node-1 ==== eth0 [web]  clsact, mirred ==> vxtap-mirror
 *                        |                                                | VXLAN
 *                      uplink, made a NIC that cuts and sums in software  |
 *                        |  <--------------------------------------------+
 *                      br0 of node-2 ==== eth0 [sensor], dumpcap
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LabPod } from '../../lab/network/pod.ts'
import { mirrorFilter } from '../../sidecar/capture/mirror-filter.ts'
import { KernelMirror, type MirrorPlan, mirrorDevice } from '../../sidecar/engine/kernel-mirror.ts'
import { findLink } from '../../sidecar/linux/link.ts'
import { compileFilter } from '../../sidecar/linux/pcap-compile.ts'
import { type Flows, flowPort, numbersByFlow, sendFlows, wholeFlows } from '../support/netns-flows.ts'
import { JumboScene, mirrorParts } from '../support/netns-jumbo-scene.ts'
import { captureEth0, tunnelDatagrams } from '../support/netns-sensor.ts'
import { connectUdp, inside, receiveUdp } from '../support/netns-sockets.ts'
import { sha256, streamTo, transfer } from '../support/netns-tcp.ts'
import { judge } from '../support/netns-tshark.ts'

const appPort = 33_342
const bytes = 2 << 20
const vni = 42
const sourcePorts = { first: 61_100, count: 4 }

function programs(expression: string): MirrorPlan['programs'] {
  const compiled = compileFilter(expression)
  if (!compiled.ok) throw new Error(compiled.reason)
  const { first, count: portCount } = sourcePorts
  const ports = { sensorPort: 4789, firstPort4: first, firstPort6: first, portCount }
  const program = (hook: 'ingress' | 'egress') => mirrorFilter(hook, ports, compiled.program)
  return { ingress: program('ingress'), egress: program('egress') }
}

describe('given a pod, and a sensor on another node', () => {
  let scene: JumboScene
  let web: LabPod
  let peer: LabPod
  let sensor: LabPod
  let plan: MirrorPlan
  let mirror: KernelMirror

  beforeEach(async () => {
    scene = await JumboScene.create()
    web = scene.web
    peer = scene.peer
    sensor = scene.sensors[0]
    scene.openAtPeer(flowPort)
    plan = {
      interface: 'eth0',
      vni,
      sensorPort: 4789,
      sourcePorts,
      programs: programs(`udp port ${flowPort} or tcp port ${appPort}`),
    }
  })
  afterEach(() => scene.close())

  const start = () =>
    inside(web.namespace, () => {
      mirror = new KernelMirror(plan)
      mirror.start(findLink('eth0')!)
      mirror.aim(sensor.address4)
    })
  const stop = () => inside(web.namespace, () => mirror.stop())
  const parts = () => mirrorParts(web)

  async function mirrored(flows: Flows) {
    const capture = await captureEth0(sensor)
    sendFlows(web, peer, flows)
    const to = { from: web.namespace, to: peer.namespace, family: 4 as const, address: peer.address4 }
    const hash = await transfer({ ...to, port: appPort, bytes, pace: 8 << 20 })
    // Duplicate address detection and multicast reports would come within a second or two.
    await sleep(2500)
    const datagrams = tunnelDatagrams(await capture.stop())
    return { hash, datagrams, frames: datagrams.map(({ frame }) => frame) }
  }

  const flows: Flows = { count: 20, each: 30, sizes: [16, 64, 512, 1472] }

  it('when both directions are mirrored, then the sensor has every frame once, cut and right, and none that the pod never saw', async () => {
    start()
    const { frames, datagrams, hash } = await mirrored(flows)
    expect(numbersByFlow(frames)).toEqual(wholeFlows(flows))
    expect(sha256(streamTo(appPort, frames, bytes))).toBe(hash)
    expect(new Set(datagrams.map(({ vxlan }) => vxlan.toString('hex')))).toEqual(new Set(['0800000000002a00']))
    expect(datagrams.every(({ pieces }) => pieces === 1)).toBe(true)
    expect(new Set(datagrams.map(({ sourcePort }) => sourcePort))).toEqual(new Set([61_100, 61_101, 61_102, 61_103]))
    expect((await judge(frames, [flowPort, appPort])).complaints).toEqual([])
    const other = frames.filter((frame) => ![flowPort, appPort].some((port) => hasPort(frame, port)))
    expect(other.map((frame) => frame.toString('hex'))).toEqual([])
  })

  it('when it is taken down, then nothing is left in the pod', async () => {
    const before = await parts()
    start()
    expect(await parts()).not.toBe(before)
    stop()
    expect(await parts()).toBe(before)
    stop()
    expect(await parts()).toBe(before)
  })

  it('when an earlier one was left by a process that was killed, then the next takes its place, and each frame comes once', async () => {
    const before = await parts()
    start()
    start()
    const { frames } = await mirrored({ ...flows, count: 5 })
    expect(numbersByFlow(frames)).toEqual(wholeFlows({ ...flows, count: 5 }))
    stop()
    expect(await parts()).toBe(before)
  })

  it("when somebody else's qdisc and filters are there, then they are as before", async () => {
    await web.exec(['tc', 'qdisc', 'add', 'dev', 'eth0', 'clsact'])
    const filter = ['bpf', 'bytecode', '1,6 0 0 0']
    await web.exec(['tc', 'filter', 'add', 'dev', 'eth0', 'ingress', 'pref', '7', ...filter])
    await web.exec(['tc', 'filter', 'add', 'dev', 'eth0', 'egress', 'pref', '7', ...filter])
    const before = await parts()
    start()
    stop()
    expect(await parts()).toBe(before)
  })

  it('when a part cannot be made, then the error names it, and nothing is left', async () => {
    await web.namespace.ip([`link add ${mirrorDevice} type bridge`])
    const before = await parts()
    expect(start).toThrow(`cannot make the device ${mirrorDevice}`)
    expect(await parts()).toBe(before)
    await web.namespace.ip([`link delete ${mirrorDevice}`])
    plan = { ...plan, programs: { ...plan.programs, egress: Buffer.from('ffffffffffffffff', 'hex') } }
    const clean = await parts()
    expect(start).toThrow('cannot mirror the egress of eth0')
    expect(await parts()).toBe(clean)
  })

  it('when somebody sends VXLAN to the pod, then nothing of it comes into the pod', async () => {
    const received: Buffer[] = []
    const socket = await receiveUdp(web.namespace, 4, 5353)
    socket.on('message', (text) => received.push(text))
    const send = () => {
      const sender = connectUdp(peer.namespace, 4, web.address4, 4789)
      sender.send(Buffer.concat([Buffer.from('0800000000002a00', 'hex'), innerDatagram(peer, web, 5353)]))
      sender.close()
    }
    start()
    send()
    await sleep(300)
    expect(received.map(String)).toEqual([])
    await web.exec(['tc', 'qdisc', 'delete', 'dev', mirrorDevice, 'clsact'])
    send()
    await sleep(300)
    socket.close()
    expect(received.map(String)).toEqual(['slipped in'])
  })
})

function hasPort(frame: Buffer, port: number): boolean {
  if (frame.readUInt16BE(12) !== 0x0800 || frame.length < 38) return false
  return frame.readUInt16BE(34) === port || frame.readUInt16BE(36) === port
}

/** A broadcast frame with a UDP datagram without checksum, from one pod's address to another's. */
function innerDatagram(from: LabPod, to: LabPod, port: number): Buffer {
  const text = Buffer.from('slipped in')
  const frame = Buffer.alloc(42 + text.length)
  frame.fill(0xff, 0, 6)
  frame.write('020000000001', 6, 'hex')
  frame.writeUInt16BE(0x0800, 12)
  frame[14] = 0x45
  frame.writeUInt16BE(28 + text.length, 16)
  frame[22] = 64
  frame[23] = 17
  frame.set(from.address4.split('.').map(Number), 26)
  frame.set(to.address4.split('.').map(Number), 30)
  let sum = 0
  for (let at = 14; at < 34; at += 2) sum += frame.readUInt16BE(at)
  frame.writeUInt16BE(~((sum & 0xffff) + (sum >>> 16)) & 0xffff, 24)
  frame.writeUInt16BE(40_000, 34)
  frame.writeUInt16BE(port, 36)
  frame.writeUInt16BE(8 + text.length, 38)
  frame.set(text, 42)
  return frame
}
