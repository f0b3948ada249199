import { describe, expect, it } from 'vitest'
import type { FaultCode } from '../../../receiver/faults.ts'
import { fault, faultCode, faultCodes, faults, noFault } from '../../../receiver/faults.ts'
import { anyVni, check } from '../../../receiver/strict.ts'
import { emptyVerdict } from '../../../receiver/verdict.ts'
import { buildFrame, place, sourceV6 } from '../../support/frames.ts'
import * as packets from '../../support/vxlan-datagrams.ts'

const { arp, corruptEnd, extended6, hex, icmp4, icmp6, patch, sctp4, tcp4, tcp6, udp4, udp6, vxlan } = packets

function judge(datagram: Uint8Array, vni: number = anyVni) {
  const verdict = emptyVerdict()
  const { memory, at, length } = place(datagram)
  const found = check(memory, at, length, vni, verdict)
  return { code: found === noFault ? 'sound' : faultCode(found), verdict }
}

interface Case {
  what: string
  datagram: Uint8Array
  vni?: number
}

/** A changed IPv4 length brings its own header checksum: `at` 16 the total length, 24 the checksum. */
function shortened(frame: Uint8Array, totalLength: string, checksum: string): Uint8Array {
  return vxlan(patch(patch(frame, 16, totalLength), 24, checksum))
}

const cases: Record<FaultCode, Case[]> = {
  vxlan_short: [
    { what: 'an empty datagram', datagram: hex('') },
    { what: '7 bytes', datagram: hex('08000000000000') },
  ],
  vxlan_flags: [
    { what: 'no flag', datagram: patch(vxlan(tcp4), 0, '00') },
    { what: 'the GPE next-protocol flag', datagram: patch(vxlan(tcp4), 0, '0c') },
    { what: 'the GBP flag', datagram: patch(vxlan(tcp4), 0, '88') },
  ],
  vxlan_reserved: [
    { what: 'a bit in byte 1', datagram: patch(vxlan(tcp4), 1, '80') },
    { what: 'a bit in byte 3', datagram: patch(vxlan(tcp4), 3, '01') },
    { what: 'a bit in byte 7', datagram: patch(vxlan(tcp4), 7, '01') },
  ],
  vxlan_vni: [{ what: 'VNI 42 where 43 is expected', datagram: vxlan(tcp4), vni: 43 }],
  ethernet_short: [
    { what: 'no frame at all', datagram: vxlan(hex('')) },
    { what: '13 bytes of frame', datagram: vxlan(tcp4.slice(0, 13)) },
  ],
  vlan_short: [
    { what: 'a tag without the EtherType behind it', datagram: vxlan(patch(tcp4.slice(0, 16), 12, '81000001')) },
  ],
  ipv4_short: [{ what: '19 bytes of header', datagram: vxlan(tcp4.slice(0, 14 + 19)) }],
  ipv4_version: [{ what: 'version 6', datagram: vxlan(patch(tcp4, 14, '65')) }],
  ipv4_header_length: [
    { what: 'a length of 16', datagram: vxlan(patch(tcp4, 14, '44')) },
    { what: 'a length of 60 in 33 bytes', datagram: vxlan(patch(udp4, 14, '4f')) },
  ],
  ipv4_total_length: [
    { what: 'a frame cut by one byte', datagram: vxlan(tcp4.slice(0, -1)) },
    { what: 'a length of 0, as in a super-frame', datagram: vxlan(patch(tcp4, 16, '0000')) },
    { what: 'a length below the header', datagram: vxlan(patch(tcp4, 16, '0013')) },
  ],
  ipv4_checksum: [{ what: 'another time to live', datagram: vxlan(patch(tcp4, 22, '3f')) }],
  ipv6_short: [{ what: '39 bytes of header', datagram: vxlan(udp6.slice(0, 14 + 39)) }],
  ipv6_version: [{ what: 'version 4', datagram: vxlan(patch(udp6, 14, '40')) }],
  ipv6_payload_length: [
    { what: 'a frame cut by one byte', datagram: vxlan(udp6.slice(0, -1)) },
    { what: 'a length of 0 before TCP', datagram: vxlan(patch(tcp6, 18, '0000')) },
    {
      what: 'a jumbo payload (BIG TCP)',
      datagram: vxlan(
        Uint8Array.from(
          buildFrame({ version: 6, source: sourceV6, destination: sourceV6, extensions: ['jumbo'] }).bytes,
        ),
      ),
    },
  ],
  ipv6_extension: [
    { what: 'an extension header of 2048 bytes', datagram: vxlan(patch(extended6, 55, 'ff')) },
    { what: 'an extension header that names itself as next', datagram: vxlan(patch(extended6, 54, '3c')) },
  ],
  tcp_short: [{ what: '19 bytes of TCP', datagram: shortened(tcp4, '0027', '149b') }],
  tcp_header_length: [
    { what: 'a length of 16', datagram: vxlan(patch(tcp4, 46, '40')) },
    { what: 'a length of 28 in 25 bytes', datagram: vxlan(patch(tcp4, 46, '70')) },
  ],
  tcp_checksum: [
    { what: 'another last byte over IPv4', datagram: vxlan(corruptEnd(tcp4)) },
    { what: 'another last byte over IPv6', datagram: vxlan(corruptEnd(tcp6)) },
    {
      what: "only the pseudo-header's sum, as CHECKSUM_PARTIAL leaves it",
      datagram: vxlan(Uint8Array.from(buildFrame({ checksum: 'partial' }).bytes)),
    },
  ],
  udp_short: [{ what: '7 bytes of UDP', datagram: shortened(udp4, '001b', '149c') }],
  udp_length: [
    { what: 'a length of 7', datagram: vxlan(patch(udp4, 38, '0007')) },
    { what: 'a length one beyond the packet', datagram: vxlan(patch(udp4, 38, '000e')) },
  ],
  udp_checksum: [
    { what: 'another last byte over IPv4', datagram: vxlan(corruptEnd(udp4)) },
    { what: 'another last byte behind an extension header', datagram: vxlan(corruptEnd(extended6)) },
  ],
  udp_no_checksum: [{ what: 'a checksum of 0 over IPv6', datagram: vxlan(patch(udp6, 60, '0000')) }],
  sctp_short: [{ what: '11 bytes of SCTP', datagram: shortened(sctp4, '001f', '1425') }],
  sctp_checksum: [{ what: 'another last byte', datagram: vxlan(corruptEnd(sctp4)) }],
  icmp_short: [
    { what: '7 bytes of ICMP', datagram: shortened(icmp4, '001b', '14ac') },
    { what: '3 bytes of ICMPv6', datagram: vxlan(patch(icmp6, 18, '0003')) },
  ],
  icmp_checksum: [{ what: 'another last byte', datagram: vxlan(corruptEnd(icmp4)) }],
  icmpv6_checksum: [{ what: 'another last byte', datagram: vxlan(corruptEnd(icmp6)) }],
}

describe('the table of faults', () => {
  it('has a sentence for each code, and a number that leads back to it', () => {
    for (const code of faultCodes) {
      expect(faults[code].length, code).toBeGreaterThan(20)
      expect(faultCode(fault[code])).toBe(code)
      expect(fault[code]).not.toBe(noFault)
    }
  })
})

for (const [code, list] of Object.entries(cases)) {
  describe(`check, given a datagram with ${code}`, () => {
    it.each(list)('names the fault for $what', ({ datagram, vni }) => {
      expect(judge(datagram, vni).code).toBe(code)
    })
  })
}

describe('check, given a sound datagram', () => {
  it.each(Object.entries(packets.soundFrames))('verifies the checksum of %s', (_, frame) => {
    const { code, verdict } = judge(vxlan(frame), 42)
    expect(code).toBe('sound')
    expect(verdict.verified).toBe(true)
    expect([verdict.vxlan.vni, verdict.frameLength]).toEqual([42, frame.length])
  })

  it.each([
    ['ARP', arp],
    ['UDP over IPv4 without a checksum', patch(udp4, 40, '0000')],
    [
      'a first fragment, whose TCP checksum covers more than is there',
      patch(patch(corruptEnd(tcp4), 20, '2000'), 24, '3495'),
    ],
    ['a later fragment', patch(patch(tcp4, 20, '0001'), 24, '5494')],
    ['an IEEE 802.3 frame with LLC', patch(arp, 12, '0003424203')],
  ])('passes %s without having verified it', (_, frame) => {
    const { code, verdict } = judge(vxlan(frame))
    expect([code, verdict.verified]).toEqual(['sound', false])
  })

  it.each([
    ['Ethernet padding', Uint8Array.of(...udp4, 0, 0, 0)],
    ['an 802.1Q tag', Uint8Array.of(...udp4.slice(0, 12), 0x81, 0, 0, 5, ...udp4.slice(12))],
    ['a surplus area behind UDP (RFC 9868)', shortened(Uint8Array.of(...udp4, 9, 9), '0023', '1494').slice(8)],
  ])('verifies UDP in spite of %s', (_, frame) => {
    const { code, verdict } = judge(vxlan(frame))
    expect([code, verdict.verified]).toEqual(['sound', true])
    expect([verdict.sourcePort, verdict.destinationPort]).toEqual([40000, 53])
  })

  it('leaves a source-routed packet unverified, since its checksum was made with an address of the route', () => {
    const frame = buildFrame({ ipOptions: [131, 7, 4, 192, 0, 2, 1, 0], checksum: 0x1234 })
    const { code, verdict } = judge(vxlan(Uint8Array.from(frame.bytes)))
    expect([code, verdict.verified]).toEqual(['sound', false])
  })

  it('forgets what the datagram before it was', () => {
    const verdict = emptyVerdict()
    const first = place(vxlan(udp4))
    check(first.memory, first.at, first.length, anyVni, verdict)
    const second = place(hex('08'))
    check(second.memory, second.at, second.length, anyVni, verdict)
    expect(verdict).toMatchObject({
      hasFrame: false,
      hasEthernet: false,
      verified: false,
      sourcePort: 0,
      frameLength: 0,
    })
  })
})
