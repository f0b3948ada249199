/**
 * Capture files through a tapped pod, in both directions.
 *
 *   test process --raw frames--> vethN ========= eth0 [web] --raw frames--> (out)
 *                                node-1               |
 *                                  |             sidecar: VXLAN
 *                                uplink               v
 *                                node-2 ======== eth0 [sensor], dumpcap
 *
 * The sensor is on another node, so that frames which the bridge of node-1 floods do not reach it by themselves.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Lab } from '../../lab/network/lab.ts'
import type { LabPod } from '../../lab/network/pod.ts'
import { readCapture } from '../../wire/pcap.ts'
import { captureEth0, tunnelDatagrams } from '../support/netns-sensor.ts'
import { countedAtStop, startSidecar } from '../support/netns-sidecar.ts'
import { type Namespace, type OpenPort, openFrameSender, openUdpPort } from '../support/netns-sockets.ts'

const mtu = 9000
const folder = new URL('../pcaps/', import.meta.url)

interface Replayed {
  readonly file: string
  readonly frame: Buffer
}

const replayed: Replayed[] = []
const leftOut: Record<string, string[]> = {}
for (const file of readdirSync(folder).filter((name) => !name.endsWith('.md'))) {
  const { linkType, frames } = readCapture(readFileSync(new URL(file, folder)))
  const reason = whyNot(linkType & 0xffff, frames)
  if (reason !== undefined) leftOut[reason] = [...(leftOut[reason] ?? []), file.replace(/\.pcap(ng)?$/, '')]
  else for (const frame of frames) replayed.push({ file, frame: Buffer.from(frame.data) })
}

function whyNot(linkType: number, frames: readonly { data: Uint8Array; originalLength: number }[]): string | undefined {
  if (linkType !== 1) return 'not Ethernet'
  if (frames.length === 0) return 'no frames'
  if (frames.some((frame) => frame.data.length !== frame.originalLength)) return 'frames cut at capture'
  if (frames.some((frame) => frame.data.length < 14)) return 'frames without an Ethernet header'
  if (frames.some((frame) => frame.data.length > mtu + 14)) return 'frames above the MTU'
  return undefined
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}

describe('given capture files of many protocols, replayed through the eth0 of a tapped pod', () => {
  let lab: Lab
  let web: LabPod
  let sensor: LabPod
  let port: OpenPort

  beforeAll(async () => {
    lab = await Lab.create({ nodes: 2, mtu })
    web = await lab.pod('web', { node: lab.nodes[0]! })
    sensor = await lab.pod('sensor', { node: lab.nodes[1]! })
    // Replayed router advertisements must not give the pod new routes.
    await web.namespace.sysctl({ 'net/ipv6/conf/eth0/accept_ra': '0' })
    port = openUdpPort(sensor.namespace, 4, 4789)
  })
  afterAll(async () => {
    port.close()
    await lab.close()
  })

  async function macOf(namespace: LabPod['namespace'], name: string): Promise<string> {
    return JSON.parse(await namespace.exec(['ip', '-json', 'link', 'show', name]))[0].address.replaceAll(':', '')
  }

  /** What the sensor got of the frames sent: all but those that the lab's own interfaces send by themselves. */
  async function replay(from: Namespace, networkInterface: string) {
    const own = [await macOf(web.namespace, 'eth0'), await macOf(web.node.namespace, 'br0')]
    own.push(await macOf(web.node.namespace, web.nodeInterface))
    const capture = await captureEth0(sensor)
    const sidecar = await startSidecar(web, {
      env: { SENSOR: sensor.address4, RING_MIB: '32', SOURCE_PORTS: '16', VNI: '0xabcdef' },
    }).ready()
    const sender = openFrameSender(from, networkInterface)
    for (const { frame } of replayed) sender.send(frame)
    sender.close()
    const ended = await sidecar.stop()
    const datagrams = tunnelDatagrams(await capture.stop())
    return {
      ended,
      all: datagrams,
      counters: countedAtStop(sidecar.said),
      arrived: datagrams.filter(({ frame }) => !own.includes(frame.toString('hex', 6, 12))),
    }
  }

  type Replay = Awaited<ReturnType<typeof replay>>

  function expectIdentical({ ended, arrived, all, counters }: Replay) {
    expect(ended).toEqual({ code: 0, signal: null })
    const portOf = new Map(arrived.map(({ frame, sourcePort }) => [frame.toString('hex'), sourcePort]))
    const missing = replayed.filter(({ frame }) => !portOf.has(frame.toString('hex')))
    expect(missing.map(({ file, frame }) => `${file}: ${frame.toString('hex')}`)).toEqual([])
    // Order is kept within a flow, and a flow never leaves its source port: so, port by port, the very same sequence.
    const sent = new Map<number, string[]>()
    for (const { frame } of replayed) {
      const port = portOf.get(frame.toString('hex'))!
      sent.set(port, [...(sent.get(port) ?? []), frame.toString('hex')])
    }
    const got = new Map<number, string[]>()
    for (const { frame, sourcePort } of arrived)
      got.set(sourcePort, [...(got.get(sourcePort) ?? []), frame.toString('hex')])
    expect(arrived.length).toBe(replayed.length)
    for (const [port, frames] of got) expect(frames, `outer source port ${port}`).toEqual(sent.get(port))
    expect(new Set(all.map(({ vxlan }) => vxlan.toString('hex')))).toEqual(new Set(['08000000abcdef00']))
    expect(new Set(all.map(({ checksum }) => checksum))).toEqual(new Set([0]))
    expect(counters).toEqual({ captured: all.length, sent: all.length, dropped: {}, droppedTotal: 0 })
  }

  it('when they arrive at the pod, then the sensor gets each frame once, unchanged, in order within its flow', async () => {
    expectIdentical(await replay(web.node.namespace, web.nodeInterface))
  })

  it('when the pod sends them, then the sensor gets each frame once, unchanged, in order within its flow', async () => {
    expectIdentical(await replay(web.namespace, 'eth0'))
  })

  it('then the files left out are these, each with its reason, and there are frames of every awkward kind', () => {
    expect(leftOut).toEqual({
      'frames cut at capture': words(`
    aarp-heapoverflow-2 aoe-oobr-1 bad-ipv4-version-pgm-heapoverflow bgp-bgp_capabilities_print-oobr-1
    bgp_mp_reach_nlri-oobr bgp_vpn_rt-oobr bootp_asan dccp_options-oobr decnet-shorthdr-oobr dns_udp_2
    gre-heapoverflow-1 heapoverflow-in_checksum heapoverflow-tcp_print hoobr_bfd_print hoobr_nfs_printfh
    hoobr_pimv1 hoobr_safeputs icmp-icmp_print-oobr-1 ikev1_id_ipv6_addr_subnet-oobr ip6_frag_asan
    ip_ts_opts_asan ipv6-srh-tlv-pad1-padn-5-trunc ipv6_frag6_negative_len isakmp-rfc3948-oobr
    isoclns-heapoverflow-3 isoclns-oobr kh-timed-002-oobr l2tp-avp-overflow ldp-ldp_tlv_print-oobr
    lisp_invalid lldp_asan macsec-snap mobility_opt_asan_2 mobility_opt_asan_4 mobility_opt_asan_6
    mobility_opt_asan_8 mpls-label-heapoverflow msnlb2 nbns-valgrind of10_7050sx_bsn-oobr
    of10_inv_OFPST_FLOW olsr-oobr-1 pb_nhrp_1 pgm_opts_asan pgm_opts_asan_3 pim_header_asan-2
    pim_header_asan-4 ppp_ccp_config_deflate_option_asan radius_attr_asan rsvp-rsvp_obj_print-oobr
    rsvp_fast_reroute-oobr rsvp_uni-oobr-2 rx_serviceid_oobr smb_data_print-segv snmp-heapoverflow-2
    stp-heapoverflow-1 stp-heapoverflow-3 stp-v4-length-sigsegv tcp-auth-heapoverflow
    tcp_header_heapoverflow udp-length-heapoverflow vrrp-vrrp_print-oobr-2
  `),
      'no frames': words(`
    empty
  `),
    })
    const lengths = replayed.map(({ frame }) => frame.length)
    expect(Math.min(...lengths)).toBeLessThan(60)
    expect(Math.max(...lengths)).toBeGreaterThan(7000)
    const etherTypes = new Set(replayed.map(({ frame }) => frame.readUInt16BE(12)))
    expect([0x8100, 0x88a8].filter((type) => !etherTypes.has(type))).toEqual([])
  })
})
