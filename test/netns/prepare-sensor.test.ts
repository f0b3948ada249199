/**
 * `vxtap prepare-sensor`: whether a sniffer in the sensor's pod sees datagrams that another pod of its node hands over
 * merged (UDP_SEGMENT) one by one, and what the command says where it cannot bring that about.
 *
 *   [web] eth0 ==== br0 of node-1, veth peer that cuts ==== eth0 [sensor]  XDP program, then dumpcap
 */
import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isolated } from '../../lab/kubelet/command-line.ts'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { loadPassProgram } from '../../sidecar/linux/bpf-program.ts'
import { attachXdp, detachXdp, findLink } from '../../sidecar/linux/link.ts'
import { documentedSensor } from '../support/documented-init-container.ts'
import { prepareSensor, runIn, vxtap } from '../support/netns-prepare.ts'
import { redirectPast } from '../support/netns-redirect.ts'
import { captureEth0 } from '../support/netns-sensor.ts'
import { connectUdp, inside, type OpenPort, openUdpPort } from '../support/netns-sockets.ts'

const port = 4789
const sends = 10
const withoutBpf = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('../support/netns-without-bpf.ts', import.meta.url)),
]
/** bpf(2) counts capabilities of the initial user namespace only, so that an ordinary user's sandbox can show refusals alone. */
const mayLoad = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'))

/** Lengths of the UDP payloads that a sniffer on the sensor's eth0 sees of sends that are cut at `segmentBytes`. */
async function seenBySniffer(web: LabPod, sensor: LabPod, family: 4 | 6, segmentBytes: number) {
  const payload = randomFillSync(Buffer.alloc(segmentBytes * 6 + 77))
  const capture = await captureEth0(sensor, `udp port ${port}`)
  const sender = connectUdp(web.namespace, family, family === 4 ? sensor.address4 : sensor.address6, port, {
    segmentBytes,
  })
  for (let count = 0; count < sends; count++) sender.send(payload)
  sender.close()
  const header = family === 4 ? 42 : 62
  const payloads = (await capture.stop()).map((frame) => frame.subarray(header))
  return { payload, payloads, lengths: payloads.map(({ length }) => length) }
}

/** The sensor's interface without its counters, which go on. */
function programOn(pod: LabPod) {
  const { sentBytes: _bytes, unsent: _packets, ...rest } = inside(pod.namespace, () => findLink('eth0')!)
  return rest
}
const merged = (segmentBytes: number) => Array<number>(sends).fill(segmentBytes * 6 + 77)

for (const { mtu, segmentBytes } of mayLoad
  ? [
      { mtu: 1500, segmentBytes: 1400 },
      { mtu: 9000, segmentBytes: 8800 },
    ]
  : []) {
  describe(`given a sensor that captures packets, behind a veth with an MTU of ${mtu}`, () => {
    let lab: Lab
    let web: LabPod
    let sensor: LabPod
    let open: OpenPort

    beforeAll(async () => {
      lab = await Lab.create({ mtu })
      web = await lab.pod('web')
      sensor = await lab.pod('sensor')
      open = openUdpPort(sensor.namespace, 6, port)
    })
    afterAll(async () => {
      open.close()
      await lab.close()
    })
    beforeEach(async () => {
      await prepareSensor(sensor, { flags: ['--undo'] })
    })

    for (const family of [4, 6] as const) {
      it(`when it is not prepared, then a sniffer sees what the pod handed over over IPv${family}, merged`, async () => {
        expect((await seenBySniffer(web, sensor, family, segmentBytes)).lengths).toEqual(merged(segmentBytes))
      })

      it(`when it is prepared, then a sniffer sees every datagram over IPv${family} by itself, in order, right and whole`, async () => {
        expect(await prepareSensor(sensor)).toMatchObject({ code: 0, stderr: '' })
        const { payload, payloads, lengths } = await seenBySniffer(web, sensor, family, segmentBytes)
        const one = [...Array<number>(6).fill(segmentBytes), 77]
        expect(lengths).toEqual(Array.from({ length: sends }, () => one).flat())
        expect(Buffer.concat(payloads).equals(Buffer.concat(Array<Buffer>(sends).fill(payload)))).toBe(true)
      })
    }

    it('when the node puts packets into the pod past its veth, then a sniffer sees them merged, prepared or not', async () => {
      await prepareSensor(sensor)
      const index = (pod: LabPod) => findLink(pod.nodeInterface)!.index
      const redirection = inside(web.node.namespace, () => redirectPast(index(web), index(sensor)))
      const { lengths } = await seenBySniffer(web, sensor, 4, segmentBytes)
      redirection.close()
      expect(lengths).toEqual(merged(segmentBytes))
    })

    it('when the preparation is undone, then a sniffer sees merged datagrams again, and nothing is left on the interface', async () => {
      const before = programOn(sensor)
      await prepareSensor(sensor)
      const undone = await prepareSensor(sensor, { flags: ['--undo'] })
      expect(undone).toMatchObject({ code: 0, stdout: expect.stringMatching(/eth0 is as it was: .* \(undone\)\n$/) })
      expect(programOn(sensor)).toEqual(before)
      expect((await seenBySniffer(web, sensor, 4, segmentBytes)).lengths).toEqual(merged(segmentBytes))
    })
  })
}

describe('given a sensor pod', () => {
  let lab: Lab
  let sensor: LabPod

  beforeEach(async () => {
    lab = await Lab.create({ mtu: 9000 })
    sensor = await lab.pod('sensor')
    return () => lab.close()
  })

  if (mayLoad) {
    it('when the command runs, then it says which program it attached, and the kernel shows that one', async () => {
      const { code, stdout, stderr } = await prepareSensor(sensor)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const [, program] =
        /^vxtap prepare-sensor: eth0 is prepared: the XDP program (\d+), .* \(prepared\)\n$/.exec(stdout) ?? []
      expect(programOn(sensor).xdp).toEqual({ mode: 'driver', programId: Number(program) })
    })

    it('when it runs again, then it says so and changes nothing', async () => {
      await prepareSensor(sensor)
      const before = programOn(sensor)
      expect(await prepareSensor(sensor)).toEqual({
        code: 0,
        stdout: `vxtap prepare-sensor: eth0 was prepared already: the XDP program ${before.xdp.programId} of an earlier run is attached to it (already_prepared)\n`,
        stderr: '',
      })
      expect(programOn(sensor)).toEqual(before)
    })

    it('when the interface has an alias already, then it is kept, and is as it was afterwards', async () => {
      await sensor.namespace.ip(['link set eth0 alias "uplink of the sensor"'])
      await prepareSensor(sensor)
      const { alias, xdp } = programOn(sensor)
      expect(alias).toBe(`uplink of the sensor vxtap-xdp=${xdp.programId}`)
      expect(await prepareSensor(sensor)).toMatchObject({ stdout: expect.stringContaining('(already_prepared)') })
      await prepareSensor(sensor, { flags: ['--undo'] })
      expect(programOn(sensor)).toMatchObject({ alias: 'uplink of the sensor', xdp: { mode: 'none' } })
    })

    it('when there is nothing to undo, then --undo says so', async () => {
      expect(await prepareSensor(sensor, { flags: ['--undo'] })).toEqual({
        code: 0,
        stdout: 'vxtap prepare-sensor: nothing to undo: no XDP program is attached to eth0 (nothing_to_undo)\n',
        stderr: '',
      })
    })

    it("when somebody else's program is attached, then neither preparing nor undoing touches it", async () => {
      inside(sensor.namespace, () => {
        const program = loadPassProgram()
        expect(attachXdp(findLink('eth0')!.index, program.fd)).toMatchObject({ errno: 0 })
        program.close()
      })
      const foreign = programOn(sensor)
      for (const flags of [[], ['--undo']]) {
        const { code, stderr } = await prepareSensor(sensor, { flags })
        expect(code).toBe(73)
        expect(stderr).toMatch(
          `an XDP program that is not of vxtap is attached to eth0 (program ${foreign.xdp.programId}, in the driver); it was left alone`,
        )
        expect(programOn(sensor)).toEqual(foreign)
      }
    })

    it('when a program takes whole frames only, then the kernel refuses it at an MTU of 9000, and nothing is left', async () => {
      const before = programOn(sensor)
      inside(sensor.namespace, () => {
        const program = loadPassProgram(false)
        expect(attachXdp(before.index, program.fd)).toMatchObject({ errno: 34, said: expect.stringContaining('MTU') })
        program.close()
        expect(programOn(sensor)).toEqual(before)
        expect(detachXdp(before.index)).toMatchObject({ errno: 0 })
      })
    })

    it('when the init container of docs/sensors.md runs with its security context, then the sensor is prepared', async () => {
      const { prepare: init } = documentedSensor()
      const argv = isolated([vxtap, ...init.args], init.securityContext, undefined)
      const { code, stdout, stderr } = await runIn(sensor, argv)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('(prepared)')
    })

    it.each([
      [',+net_admin', 'BPF'],
      [',+bpf', 'NET_ADMIN'],
      ['', 'NET_ADMIN and BPF'],
    ])('when it has the capabilities "%s" alone, then it names the missing one', async (capabilities, missing) => {
      const { code, stderr } = await prepareSensor(sensor, { capabilities })
      expect(code).toBe(77)
      expect(stderr).toContain(`this container lacks the capability ${missing}: attaching an XDP program takes`)
      expect(programOn(sensor)).toMatchObject({ alias: '', xdp: { mode: 'none' } })
    })

    it('when it has SYS_ADMIN instead of BPF, as before Linux 5.8, then that does', async () => {
      const { code } = await prepareSensor(sensor, { capabilities: ',+net_admin,+sys_admin' })
      expect(code).toBe(0)
    })

    it('when a seccomp profile keeps bpf(2) from it, then it says that it is the profile', async () => {
      const { code, stderr } = await prepareSensor(sensor, { program: withoutBpf })
      expect(code).toBe(77)
      expect(stderr).toContain('bpf(2) is forbidden to this container although it has the capabilities, by its seccomp')
    })
  }

  it('when it is in a user namespace, then it says so', async () => {
    const argv = ['unshare', '--user', '--map-root-user', vxtap, 'prepare-sensor']
    const { code, stderr } = await runIn(sensor, argv)
    expect(code).toBe(77)
    expect(stderr).toContain('this container is in a user namespace')
  })

  it.each([
    ['lo', 'lo is hardware or the loopback, not one end of a veth pair'],
    ['bridge7', 'bridge7 is a bridge device, not one end of a veth pair'],
    ['eth9', 'there is no interface eth9 here'],
  ])('when the interface is %s, then it refuses in words', async (name, sentence) => {
    await sensor.namespace.ip(['link add bridge7 type bridge'])
    const { code, stdout, stderr } = await prepareSensor(sensor, { flags: ['--interface', name] })
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toContain(sentence)
  })
})
