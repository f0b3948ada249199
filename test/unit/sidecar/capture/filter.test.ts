import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildFilter, rejectAll } from '../../../../sidecar/capture/filter.ts'
import type { OwnTunnel } from '../../../../sidecar/capture/filter-parts.ts'
import { isOwnTunnel } from '../../../../sidecar/capture/own-tunnel.ts'
import { Memory } from '../../../../wire/memory.ts'
import { emptyParsedFrame, parseFrame } from '../../../../wire/parse.ts'
import { runBpf } from '../../../support/bpf-machine.ts'

const sensor4 = [10, 9, 0, 3]
const sensor6 = [0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]
const pod4 = [10, 9, 0, 1]
const pod6 = [...sensor6.slice(0, 15), 1]
const mark = 0x76787470
const own: OwnTunnel = {
  mark: 0,
  sensorPort: 4789,
  firstPort4: 61000,
  firstPort6: 62000,
  portCount: 16,
  addresses: [Uint8Array.from(sensor4), Uint8Array.from(sensor6)],
}
const marked: OwnTunnel = { ...own, mark }
const outgoing = 4
const incoming = 0

const macs = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]
const u16 = (value: number) => [value >> 8, value & 0xff]

function udp(source: number, destination: number, payload = 20): number[] {
  return [...u16(source), ...u16(destination), ...u16(8 + payload), 0, 0, ...Array(payload).fill(0xee)]
}

interface Ip4 {
  source?: number[]
  destination?: number[]
  protocol?: number
  fragment?: number
  options?: number
}

function ip4(
  payload: number[],
  { source = pod4, destination = sensor4, protocol = 17, fragment = 0, options = 0 }: Ip4 = {},
): number[] {
  const length = 20 + options * 4
  return [
    0x40 | (length / 4),
    0,
    ...u16(length + payload.length),
    0,
    1,
    ...u16(fragment),
    64,
    protocol,
    0,
    0,
    ...source,
    ...destination,
    ...Array(options * 4).fill(1),
    ...payload,
  ]
}

function ip6(payload: number[], nextHeader = 17, source = pod6, destination = sensor6): number[] {
  return [0x60, 0, 0, 0, ...u16(payload.length), nextHeader, 64, ...source, ...destination, ...payload]
}

const frame4 = (packet: number[]) => Uint8Array.from([...macs, 0x08, 0x00, ...packet])
const frame6 = (packet: number[]) => Uint8Array.from([...macs, 0x86, 0xdd, ...packet])
const icmpError = (type: number, quoted: number[]) => [type, 3, 0, 0, 0, 0, 0, 0, ...quoted]
const ipv6Fragment = (offset: number, payload: number[]) => [17, 0, ...u16(offset << 3), 0, 0, 0, 9, ...payload]

function passes(
  tunnel: OwnTunnel,
  bytes: Uint8Array,
  packetType = outgoing,
  packetMark = 0,
  direction: 'both' | 'in' | 'out' = 'both',
) {
  return runBpf(buildFilter(tunnel, direction, undefined), { bytes, packetType, mark: packetMark }) !== 0
}

/** name, frame, packet type, mark; what is to be left out. */
const ours: [string, Uint8Array, number, number][] = [
  ['a datagram of ours', frame4(ip4(udp(61003, 4789))), outgoing, mark],
  ['the last port of ours', frame4(ip4(udp(61015, 4789))), outgoing, mark],
  ['a first fragment of ours', frame4(ip4(udp(61003, 4789, 100), { fragment: 0x2000 })), outgoing, mark],
  ['a later fragment of ours', frame4(ip4(Array(40).fill(7), { fragment: 0x00b9 })), outgoing, mark],
  ['a later fragment with a single byte', frame4(ip4([7], { fragment: 0x00b9 })), outgoing, mark],
  ['an IPv6 datagram of ours', frame6(ip6(udp(62000, 4789))), outgoing, mark],
  ['a first IPv6 fragment of ours', frame6(ip6(ipv6Fragment(0, udp(62001, 4789)), 44)), outgoing, mark],
  ['a later IPv6 fragment of ours', frame6(ip6(ipv6Fragment(180, [1]), 44)), outgoing, mark],
  ...[3, 4, 5, 11, 12].map((type): [string, Uint8Array, number, number] => [
    `an ICMP error of type ${type} about our datagram`,
    frame4(ip4(icmpError(type, ip4(udp(61003, 4789))), { source: sensor4, destination: pod4, protocol: 1 })),
    incoming,
    0,
  ]),
  [
    'an ICMP error with IP options outside and inside',
    frame4(
      ip4(icmpError(3, ip4(udp(61003, 4789), { options: 3 })), {
        source: sensor4,
        destination: pod4,
        protocol: 1,
        options: 2,
      }),
    ),
    incoming,
    0,
  ],
  ...[1, 2, 3, 4].map((type): [string, Uint8Array, number, number] => [
    `an ICMPv6 error of type ${type} about our datagram`,
    frame6(ip6(icmpError(type, ip6(udp(62003, 4789))), 58, sensor6, pod6)),
    incoming,
    0,
  ]),
  [
    'an ICMPv6 error about our first fragment',
    frame6(ip6(icmpError(2, ip6(ipv6Fragment(0, udp(62003, 4789)), 44)), 58, sensor6, pod6)),
    incoming,
    0,
  ],
]

/** What is the pod's own traffic, however near it comes. */
const theirs: [string, Uint8Array, number][] = [
  [
    "the pod's HTTP to the sensor's address",
    frame4(ip4([...u16(61003), ...u16(80), ...Array(16).fill(0)], { protocol: 6 })),
    outgoing,
  ],
  ["the pod's UDP to another port of the sensor", frame4(ip4(udp(40000, 53))), outgoing],
  [
    'UDP from one of our ports at the far end',
    frame4(ip4(udp(61003, 53), { source: sensor4, destination: pod4 })),
    incoming,
  ],
  [
    'IP options that read like our ports',
    frame4([...ip4(udp(40000, 4789), { options: 1 }).slice(0, 20), ...u16(61003), 1, 1, ...udp(40000, 4789)]),
    outgoing,
  ],
  ["the pod's own VXLAN from another port", frame4(ip4(udp(40000, 4789))), outgoing],
  ['the port just above ours', frame4(ip4(udp(61016, 4789))), outgoing],
  ['the port just below ours', frame4(ip4(udp(60999, 4789))), outgoing],
  [
    'VXLAN that another host sends to the pod',
    frame4(ip4(udp(61003, 4789), { source: sensor4, destination: pod4 })),
    incoming,
  ],
  [
    'a fragment to another address',
    frame4(ip4(Array(40).fill(7), { fragment: 0xb9, destination: [10, 9, 0, 9] })),
    outgoing,
  ],
  [
    'an ICMP error about other traffic',
    frame4(ip4(icmpError(3, ip4(udp(40000, 53))), { source: sensor4, destination: pod4, protocol: 1 })),
    incoming,
  ],
  ['a ping', frame4(ip4(icmpError(8, ip4(udp(61003, 4789))), { protocol: 1 })), outgoing],
  [
    'an ICMP error cut before the quoted ports',
    frame4(ip4(icmpError(3, ip4(udp(61003, 4789)).slice(0, 20)), { protocol: 1 })),
    incoming,
  ],
  ['an ICMPv6 neighbour solicitation', frame6(ip6([135, 0, 0, 0, ...Array(60).fill(0)], 58)), outgoing],
  ['ARP', Uint8Array.from([...macs, 0x08, 0x06, ...Array(28).fill(1)]), outgoing],
  ['a bare Ethernet header', Uint8Array.from([...macs, 0x08, 0x00]), outgoing],
  ['an IPv4 packet cut inside its header', frame4(ip4(udp(61003, 4789)).slice(0, 9)), outgoing],
]

/** Ours, when rules of the pod's own have given it another mark, address or port on its way. */
const rewritten: [string, Uint8Array][] = [
  ['a datagram to another address and port', frame4(ip4(udp(61003, 8472), { destination: [10, 9, 0, 9] }))],
  ['a first fragment', frame4(ip4(udp(61003, 8472), { destination: [10, 9, 0, 9], fragment: 0x2000 }))],
  ['a datagram over IPv6', frame6(ip6(udp(62003, 8472), 17, pod6, [...sensor6.slice(0, 15), 9]))],
  ['a first fragment over IPv6', frame6(ip6(ipv6Fragment(0, udp(62003, 8472)), 44))],
]

describe("given rules of the pod's own that rewrite what leaves it", () => {
  it.each(rewritten)(
    'when %s is seen, then it is left out, for a tunnel that mirrors itself has no end',
    (_, bytes) => {
      for (const tunnel of [marked, own]) expect(passes(tunnel, bytes, outgoing, 1)).toBe(false)
    },
  )
})

describe('given sockets that carry a mark', () => {
  it.each(ours)('when %s is seen, then it is left out', (_, bytes, packetType, packetMark) => {
    expect(passes(marked, bytes, packetType, packetMark)).toBe(false)
  })
  it.each(theirs)('when %s is seen, then it is mirrored', (_, bytes, packetType) => {
    expect(passes(marked, bytes, packetType, 0)).toBe(true)
  })
  it("when the pod's own UDP fragments go to the sensor's address, then they are mirrored: the mark tells them apart", () => {
    expect(passes(marked, frame4(ip4(Array(40).fill(7), { fragment: 0x00b9 })), outgoing, 0)).toBe(true)
  })
})

describe('given a kernel that does not let us mark', () => {
  it.each(ours)('when %s is seen, then it is left out', (_, bytes, packetType) => {
    expect(passes(own, bytes, packetType)).toBe(false)
  })
  it.each(theirs)('when %s is seen, then it is mirrored', (_, bytes, packetType) => {
    expect(passes(own, bytes, packetType)).toBe(true)
  })
})

describe('given the predicate that the pcap engine uses', () => {
  const predicate = (bytes: Uint8Array) => {
    const memory = new Memory(new ArrayBuffer((bytes.length + 19) & ~3))
    memory.u8.set(bytes, 2)
    const parsed = emptyParsedFrame()
    parseFrame(memory, 2, bytes.length, parsed)
    return isOwnTunnel(memory, 2, bytes.length, parsed, own)
  }
  it.each(ours)('when %s is seen, then it is ours', (_, bytes) => expect(predicate(bytes)).toBe(true))
  it.each(theirs)("when %s is seen, then it is the pod's", (_, bytes) => expect(predicate(bytes)).toBe(false))
})

describe('given any bytes at all', () => {
  it('when they are no packet of ours, then no load beyond their end rejects them', () => {
    const cut = fc
      .constantFrom(...ours, ...theirs)
      .chain(([, bytes]) => fc.integer({ min: 14, max: bytes.length }).map((length) => bytes.slice(0, length)))
    const noise = fc.uint8Array({ minLength: 14, maxLength: 200 })
    const nothingOfOurs: OwnTunnel = { ...own, sensorPort: 0, addresses: [Uint8Array.of(0, 0, 0, 1)] }
    fc.assert(
      fc.property(fc.oneof(cut, noise), (bytes) => {
        // With a port and an address that occur nowhere, whatever is rejected was rejected by a load.
        fc.pre(!bytes.some((byte, index) => byte === 0 && bytes[index + 1] === 0 && index > 35))
        expect(passes(nothingOfOurs, bytes, incoming)).toBe(true)
      }),
      { seed: 1, numRuns: 3000 },
    )
  })
})

describe('given a direction', () => {
  const ping = frame4(ip4(icmpError(8, []), { protocol: 1 }))
  it.each([
    ['both', true, true],
    ['in', true, false],
    ['out', false, true],
  ] as const)('when DIRECTION=%s, then incoming %s and outgoing %s', (direction, inPasses, outPasses) => {
    expect(passes(marked, ping, incoming, 0, direction)).toBe(inPasses)
    expect(passes(marked, ping, outgoing, 0, direction)).toBe(outPasses)
  })
})

describe('given a compiled user filter', () => {
  it('when it keeps only part of a frame, then the kernel is still asked for the whole', () => {
    const keepsSomeBytes = Buffer.from([6, 0, 0, 0, 0x60, 0, 0, 0])
    const bytes = frame4(ip4(udp(1, 2)))
    expect(runBpf(buildFilter(marked, 'both', keepsSomeBytes), { bytes, mark: 0, packetType: 0 })).toBe(0xffffffff)
  })
  it('when it rejects, then the frame is rejected', () => {
    const rejects = Buffer.alloc(8)
    rejects.writeUInt16LE(6)
    expect(
      runBpf(buildFilter(marked, 'both', rejects), { bytes: frame4(ip4(udp(1, 2))), mark: 0, packetType: 0 }),
    ).toBe(0)
  })
})

it('given the filter of a socket that is not bound yet, when anything is seen, then it is rejected', () => {
  expect(runBpf(rejectAll(), { bytes: frame4(ip4(udp(1, 2))), mark: 0, packetType: 0 })).toBe(0)
})

describe('given two hundred sensors and no right to set a mark', () => {
  const last = 199
  const addresses = Array.from({ length: last + 1 }, (_, i) => Uint8Array.of(10, 9, 1, i))
  const addresses6 = Array.from({ length: last + 1 }, (_, i) => Uint8Array.of(...sensor6.slice(0, 14), 1, i))
  const many: OwnTunnel = { ...own, addresses: [...addresses, ...addresses6] }

  it.each([0, 100, last])('when it is our own to sensor %i, then it is left out', (index) => {
    const destination = [...addresses[index]!]
    expect(passes(many, frame4(ip4(udp(61003, 4789), { destination })))).toBe(false)
    expect(passes(many, frame4(ip4(udp(1, 2), { destination, fragment: 185 })))).toBe(false)
    expect(passes(many, frame6(ip6(udp(62003, 4789), 17, pod6, [...addresses6[index]!])))).toBe(false)
  })

  it.each([
    ['IPv4', addresses, 2],
    ['IPv6', addresses6, 9],
  ] as const)(
    'when one more %s sensor comes, then the program grows by a few instructions, as memory for filters is scarce',
    (_, all, most) => {
      const length = (count: number) =>
        buildFilter({ ...own, addresses: all.slice(0, count) }, 'both', undefined).length
      expect(length(101) - length(100)).toBeLessThanOrEqual(most * 8)
    },
  )

  it('when it goes elsewhere, comes in, or is not ours, then it is mirrored', () => {
    const destination = [...addresses[last]!]
    expect(passes(many, frame4(ip4(udp(1, 2), { destination: [10, 9, 2, 0], fragment: 185 })))).toBe(true)
    expect(passes(many, frame4(ip4(udp(61003, 4789), { destination })), incoming)).toBe(true)
    expect(passes(many, frame4(ip4(udp(50000, 4789), { destination })))).toBe(true)
    expect(passes(many, frame6(ip6(udp(62003, 4789), 6, pod6, [...addresses6[last]!])))).toBe(true)
  })
})
