/**
 * ENGINE=kernel as a process in a pod: see netns-jumbo-scene.ts for the wires, which end at a sensor on another node.
 */
import { randomFillSync } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LabPod } from '../../lab/network/pod.ts'
import { LabCluster } from '../support/netns-cluster.ts'
import { type Flows, flowPort, numbersByFlow, sendFlows, wholeFlows } from '../support/netns-flows.ts'
import { JumboScene, mirrorParts } from '../support/netns-jumbo-scene.ts'
import { applicationFrames, captureEth0, isNeighbourTraffic, tunnelDatagrams } from '../support/netns-sensor.ts'
import { type Counted, countedAtStop, SidecarProcess } from '../support/netns-sidecar.ts'
import { connectUdp, openFrameSender, openUdpPort } from '../support/netns-sockets.ts'
import { sha256, streamTo, transfer } from '../support/netns-tcp.ts'
import { judge } from '../support/netns-tshark.ts'
import { until } from '../support/netns-until.ts'

const appPort = 33_343
const bytes = 2 << 20
const capabilities = ',+net_raw,+net_admin'
const flows: Flows = { count: 10, each: 20, sizes: [16, 64, 512, 1452] }
const few: Flows = { ...flows, count: 3, each: 5 }
const framesOf = ({ count, each }: Flows): number => count * each

describe('given ENGINE=kernel, and sensors on another node', () => {
  let scene: JumboScene
  let web: LabPod
  let peer: LabPod
  let sensor: LabPod
  let another: LabPod
  let clean: string
  const sidecars: SidecarProcess[] = []

  beforeEach(async () => {
    scene = await JumboScene.create()
    web = scene.web
    peer = scene.peer
    sensor = scene.sensors[0]
    another = scene.sensors[1]
    scene.openAtPeer(flowPort)
    clean = await mirrorParts(web)
  })
  afterEach(async () => {
    await Promise.all(sidecars.splice(0).map((sidecar) => sidecar.stop('SIGKILL')))
    await scene.close()
  })

  function tap(env: Record<string, string> = {}, allowed = capabilities): SidecarProcess {
    const filter = `udp port ${flowPort} or tcp port ${appPort}`
    const sidecar = new SidecarProcess(web, {
      env: { ENGINE: 'kernel', SENSOR: sensor.address4, FILTER: filter, VNI: '42', ...env },
      capabilities: allowed,
    })
    sidecars.push(sidecar)
    return sidecar
  }

  const toPeer = (family: 4 | 6) => ({
    from: web.namespace,
    to: peer.namespace,
    family,
    address: family === 4 ? peer.address4 : peer.address6,
    port: appPort,
  })

  /** The mirrored frames at a sensor of what `traffic` makes. */
  async function at<T>(place: LabPod, traffic: () => Promise<T> | T) {
    const capture = await captureEth0(place)
    const result = await traffic()
    await sleep(1500)
    const datagrams = tunnelDatagrams(await capture.stop())
    return { result, datagrams, frames: datagrams.map(({ frame }) => frame) }
  }

  const counts = (sidecar: SidecarProcess, what: string, holds: (now: Counted) => boolean) =>
    sidecar.untilMetrics(what, holds)

  async function refusal(sidecar: SidecarProcess, reason: string): Promise<string> {
    const metric = `vxtap_kernel_mirror_refused{reason="${reason}"}`
    await until(metric, async () => (await sidecar.metrics()).get(metric) === 1)
    const { status, text } = await sidecar.request('/readyz')
    expect(status).toBe(503)
    expect(text).toContain('ENGINE=kernel does not mirror: ')
    expect(sidecar.said).toContain('ENGINE=kernel does not mirror: ')
    expect(sidecar.child.exitCode).toBe(null)
    return text
  }

  for (const family of [4, 6] as const) {
    it(`when it mirrors over IPv${family}, then the sensor has every frame whole, right, in order and once, and the counters say as many`, async () => {
      const sidecar = await tap({ SENSOR: family === 4 ? sensor.address4 : sensor.address6 }).ready()
      const { frames, datagrams, result } = await at(sensor, () => {
        sendFlows(web, peer, { ...flows, family })
        return transfer({ ...toPeer(family), bytes, pace: 8 << 20 })
      })
      expect(numbersByFlow(frames)).toEqual(wholeFlows(flows))
      expect(sha256(streamTo(appPort, frames, bytes))).toBe(result)
      expect((await judge(frames, [flowPort, appPort])).complaints).toEqual([])
      expect(datagrams.every((found) => found.pieces === 1 && found.family === family)).toBe(true)
      expect(new Set(datagrams.map(({ vxlan }) => vxlan.toString('hex')))).toEqual(new Set(['0800000000002a00']))
      const now = await counts(sidecar, 'all to be counted', ({ sent }) => sent >= frames.length)
      expect(now).toEqual({ captured: frames.length, sent: frames.length, dropped: {}, droppedTotal: 0 })
      expect(
        (await sidecar.metrics()).get(
          `vxtap_target_batch{sensor="${family === 4 ? sensor.address4 : sensor.address6}",batch="kernel"}`,
        ),
      ).toBe(1)
      expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
      expect(countedAtStop(sidecar.said)).toMatchObject({ captured: frames.length, sent: frames.length })
      expect(await mirrorParts(web)).toBe(clean)
    })
  }

  it('when a direction is wanted alone, then the other is not mirrored', async () => {
    const sidecar = await tap({ DIRECTION: 'in' }).ready()
    const { frames } = await at(sensor, () => transfer({ ...toPeer(4), bytes: 100_000, pace: 8 << 20 }))
    const link = await web.exec(['ip', '-o', 'link', 'show', 'eth0'])
    const address = /link\/ether (\S+)/.exec(link)?.[1]?.replaceAll(':', '')
    expect(frames.length).toBeGreaterThan(0)
    expect(new Set(frames.map((frame) => frame.toString('hex', 0, 6)))).toEqual(new Set([address]))
    await sidecar.stop()
  })

  it('when the application speaks VXLAN with the sensor itself, fragments included, and is refused, then that is mirrored, and nothing of the tunnel', async () => {
    for (const pod of [web, peer, sensor, another]) await pod.offload({ tx: 'off', tso: 'off', gso: 'off', gro: 'off' })
    await another.namespace.sysctl({ 'net/ipv4/icmp_ratelimit': '0' })
    scene.closeAt(another)
    const vxlan = '080000005a4d5a00'
    const sidecar = await tap({ SENSOR: another.address4, VNI: String(0x5a4d5a), FILTER: '' }).ready()
    const atPod = await captureEth0(web)
    const fragments = openFrameSender(web.namespace, 'eth0')
    const { datagrams } = await at(another, async () => {
      for (let round = 0; round < 10; round++) {
        for (const [port, sizes] of [
          [4789, [16, 300, 1400]],
          [5353, [10, 500]],
        ] as const) {
          const sender = connectUdp(web.namespace, 4, another.address4, port, { localPort: 40_000 + port })
          for (const size of sizes) sender.send(randomFillSync(Buffer.alloc(size)))
          sender.close()
        }
        fragments.send(laterFragment(web, another, round))
        sendFlows(web, peer, few)
        await sleep(20)
      }
    })
    fragments.close()
    const onWire = applicationFrames(await atPod.stop(), vxlan)
    const mirrored = datagrams.filter((found) => found.vxlan.toString('hex') === vxlan).map(({ frame }) => frame)
    const sorted = (frames: readonly Buffer[]) =>
      frames
        .filter((frame) => !isNeighbourTraffic(frame))
        .map((frame) => frame.toString('hex'))
        .sort()
    expect(sorted(mirrored)).toEqual(sorted(onWire))
    expect(mirrored.length).toBeGreaterThan(200)
    expect(mirrored.some((frame) => frame.readUInt16BE(12) === 0x0800 && (frame.readUInt16BE(20) & 0x1fff) !== 0)).toBe(
      true,
    )
    await sidecar.stop()
  })

  it('when it is killed, then the mirror runs on; and the next one takes its place, and leaves nothing when it is stopped', async () => {
    const killed = await tap().ready()
    await killed.stop('SIGKILL')
    const orphaned = await at(sensor, () => sendFlows(web, peer, few))
    expect(numbersByFlow(orphaned.frames)).toEqual(wholeFlows(few))
    const next = await tap().ready()
    const { frames } = await at(sensor, () => sendFlows(web, peer, flows))
    expect(numbersByFlow(frames)).toEqual(wholeFlows(flows))
    expect(await next.stop()).toEqual({ code: 0, signal: null })
    expect(await mirrorParts(web)).toBe(clean)
  })

  it('when somebody takes parts of the mirror away, then it is put up anew within seconds', async () => {
    const sidecar = await tap().ready()
    await web.exec(['tc', 'qdisc', 'delete', 'dev', 'eth0', 'clsact'])
    await until('the qdisc again', async () => (await mirrorParts(web)).includes('clsact ffff: dev eth0'))
    await sidecar.untilSaid('no longer whole; putting it up anew')
    await sleep(200)
    await web.namespace.ip(['link delete vxtap-mirror'])
    await until('a device again', async () => (await mirrorParts(web)).includes('vxtap-mirror'))
    await sidecar.ready()
    const { frames } = await at(sensor, () => sendFlows(web, peer, few))
    expect(numbersByFlow(frames)).toEqual(wholeFlows(few))
    await sidecar.stop()
    expect(await mirrorParts(web)).toBe(clean)
  })

  describe('found by their label', () => {
    let cluster: LabCluster
    beforeEach(async () => {
      cluster = await LabCluster.create()
    })
    afterEach(() => cluster.close())

    it('when there is no sensor, then frames are counted and none is sent; when one comes, it gets them; when it is replaced, the next does', async () => {
      const sidecar = await tap(cluster.environment(web)).ready()
      sendFlows(web, peer, few)
      const none = await counts(sidecar, 'frames to be counted', ({ captured }) => captured >= framesOf(few))
      expect(none).toMatchObject({ captured: framesOf(few), sent: 0, dropped: { no_sensor: framesOf(few) } })
      expect((await sidecar.request('/readyz')).text).toContain('the kernel counts what eth0 carries and mirrors none')

      await cluster.announce(sensor)
      await sidecar.untilSaid('the kernel mirrors eth0 to sensors/sensor-1')
      const first = await at(sensor, () => sendFlows(web, peer, flows))
      expect(numbersByFlow(first.frames)).toEqual(wholeFlows(flows))

      await cluster.announce(another, { family: 6 })
      cluster.withdraw(sensor)
      await sidecar.untilSaid('the kernel mirrors eth0 to sensors/sensor-2')
      const second = await at(another, () => sendFlows(web, peer, flows))
      expect(numbersByFlow(second.frames)).toEqual(wholeFlows(flows))
      expect(second.datagrams.every(({ family }) => family === 6)).toBe(true)

      cluster.withdraw(another)
      await sidecar.untilMetrics('no target', () => sidecar.said.includes('as there is no sensor'))
      const after = await at(another, () => sendFlows(web, peer, few))
      expect(after.frames).toEqual([])
      const end = await counts(
        sidecar,
        'the last to be counted',
        ({ droppedTotal }) => droppedTotal >= 2 * framesOf(few),
      )
      expect(end).toMatchObject({ sent: 2 * framesOf(flows), dropped: { no_sensor: 2 * framesOf(few) } })
      await sidecar.stop()
      expect(await mirrorParts(web)).toBe(clean)
    })

    it('when a sensor is replaced by another of the same family, then no frame is lost between them', async () => {
      await cluster.announce(sensor)
      const sidecar = tap(cluster.environment(web))
      await sidecar.untilSaid('the kernel mirrors eth0 to sensors/sensor-1')
      const captures = [await captureEth0(sensor), await captureEth0(another)]
      const many: Flows = { count: 1, each: 3000, sizes: [64] }
      const sending = paced(many)
      cluster.withdraw(sensor)
      await cluster.announce(another)
      await sidecar.untilSaid('the kernel mirrors eth0 to sensors/sensor-2')
      await sending
      const end = await counts(sidecar, 'all to be counted', ({ captured }) => captured >= framesOf(many))
      expect(end.captured).toBe(framesOf(many))
      expect(end.sent + end.droppedTotal).toBe(end.captured)
      const datagrams = (await Promise.all(captures.map((capture) => capture.stop()))).map((frames) =>
        tunnelDatagrams(frames),
      )
      expect(datagrams.map((list) => list.length > 0)).toEqual([true, true])
      expect(datagrams.flat().length).toBe(end.sent)
    })

    async function paced({ each }: Flows): Promise<void> {
      const sender = connectUdp(web.namespace, 4, peer.address4, flowPort)
      for (let number = 0; number < each; number++) {
        const payload = Buffer.alloc(64)
        payload.writeUInt32BE(number, 4)
        sender.send(payload)
        if (number % 10 === 9) await sleep(10)
      }
      sender.close()
    }

    it('when there are several, then it takes one, and says that flows are not spread', async () => {
      await cluster.announce(sensor)
      await cluster.announce(another)
      const sidecar = tap(cluster.environment(web))
      await sidecar.untilSaid("one of 2 sensors: ENGINE=kernel does not spread a pod's flows")
      expect((await sidecar.metrics()).get('vxtap_targets')).toBe(1)
    })

    it('when the sensor is on the same node, then it refuses, and another on another node is taken instead', async () => {
      await cluster.announce(peer)
      const sidecar = tap(cluster.environment(web))
      expect(await refusal(sidecar, 'same_node')).toContain('the sensor sensors/peer is on this node')
      expect((await at(peer, () => sendFlows(web, peer, few))).datagrams).toEqual([])
      const now = await counts(sidecar, 'frames to be counted', ({ captured }) => captured >= framesOf(few))
      expect(now).toMatchObject({ sent: 0, dropped: { no_sensor: framesOf(few) } })
      await cluster.announce(sensor)
      await sidecar.untilSaid('the kernel mirrors eth0 to sensors/sensor-1')
      expect((await sidecar.request('/readyz')).status).toBe(200)
    })

    it('when NODE_NAME is empty, or nodes share a kernel, then it refuses', async () => {
      await cluster.announce(sensor)
      const nameless = tap({ ...cluster.environment(web), NODE_NAME: '' })
      expect(await refusal(nameless, 'node_unknown')).toContain('NODE_NAME is empty')
      await nameless.stop()
      const shared = tap({ ...cluster.environment(web), SHARED_KERNEL: 'true' })
      expect(await refusal(shared, 'shared_kernel')).toContain('SHARED_KERNEL=true')
    })
  })

  it('when NET_ADMIN is missing, then it refuses, stays up, and leaves everything as it was', async () => {
    const sidecar = tap({}, ',+net_raw')
    expect(await refusal(sidecar, 'no_permission')).toContain('the capability NET_ADMIN is missing')
    expect(await mirrorParts(web)).toBe(clean)
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
  })

  it('when settings need user space, then it refuses, names them all, and leaves everything as it was', async () => {
    const sidecar = tap({ SNAPLEN: '128', MAX_MBPS: '10', SAMPLE_FLOWS: '50' })
    expect(await refusal(sidecar, 'setting')).toContain('SNAPLEN=128 and MAX_MBPS=10 and SAMPLE_FLOWS=50')
    expect(await mirrorParts(web)).toBe(clean)
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
  })

  it("when the path's MTU leaves no room for the tunnel, or no longer, then it refuses and counts; and mirrors once there is room", async () => {
    const sidecar = await tap().ready()
    const way = `${sensor.address4}/32 via ${web.node.address4}`
    await web.namespace.ip([`route change ${way} mtu 1549`])
    expect(await refusal(sidecar, 'path_mtu')).toContain(
      'carries packets of 1549 bytes, and the pod may have some of 1500, which become 1550 in the tunnel',
    )
    expect((await at(sensor, () => sendFlows(web, peer, few))).datagrams).toEqual([])
    await web.namespace.ip([`route change ${way} mtu 1550`])
    await sidecar.ready()
    const { frames } = await at(sensor, () => sendFlows(web, peer, few))
    expect(numbersByFlow(frames)).toEqual(wholeFlows(few))
    await web.namespace.ip([`route delete ${way}`])
    expect(await refusal(sidecar, 'path_mtu')).toContain('carries packets of 1500 bytes')
  })

  it('when the VXLAN port is taken by the application, then it refuses, names the port, and leaves everything as it was', async () => {
    const taken = openUdpPort(web.namespace, 6, 4789)
    const sidecar = tap()
    expect(await refusal(sidecar, 'kernel_refused')).toContain('UDP port 4789 in the pod')
    expect(await mirrorParts(web)).toBe(clean)
    taken.close()
  })

  it('when the interface goes and comes again, then it waits and mirrors the new one', async () => {
    const sidecar = tap({ INTERFACE: 'eth9', FILTER: '' })
    expect(await refusal(sidecar, 'no_interface')).toContain('there is no interface eth9')
    const make = ['link add eth9 type veth peer name far9', 'link set eth9 up', 'link set far9 up']
    await web.namespace.ip(make)
    await sidecar.ready()
    await web.namespace.ip(['link delete eth9'])
    expect(await refusal(sidecar, 'no_interface')).toContain('there is no interface eth9')
    await web.namespace.ip(make)
    await sidecar.ready()
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
    expect(await web.exec(['tc', 'qdisc', 'show', 'dev', 'eth9'])).not.toContain('clsact')
  })
})

/** The second piece of a UDP datagram: no ports, but the addresses that the tunnel has. */
function laterFragment(from: LabPod, to: LabPod, round: number): Buffer {
  const frame = Buffer.alloc(14 + 20 + 64, round)
  frame.fill(0x02, 0, 12)
  frame.writeUInt16BE(0x0800, 12)
  frame.fill(0, 14, 34)
  frame[14] = 0x45
  frame.writeUInt16BE(84, 16)
  frame.writeUInt16BE(0x100 + round, 18)
  frame.writeUInt16BE(185, 20)
  frame[22] = 64
  frame[23] = 17
  frame.set(from.address4.split('.').map(Number), 26)
  frame.set(to.address4.split('.').map(Number), 30)
  return frame
}
