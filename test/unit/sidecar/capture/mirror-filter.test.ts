import { describe, expect, it } from 'vitest'
import { mirrorFilter } from '../../../../sidecar/capture/mirror-filter.ts'
import { runBpf } from '../../../support/bpf-machine.ts'

const ports = { sensorPort: 4789, firstPort4: 61_100, firstPort6: 61_100, portCount: 4 }
const runs = (hook: 'ingress' | 'egress', bytes: Uint8Array): boolean =>
  runBpf(mirrorFilter(hook, ports, undefined), { bytes, mark: 0, packetType: 0 }) !== 0

interface Shape {
  readonly family?: 4 | 6
  readonly source?: number
  readonly destination?: number
  readonly protocol?: number
  readonly fragment?: number
  readonly head?: number
}

function frame({
  family = 4,
  source = 61_100,
  destination = 4789,
  protocol = 17,
  fragment = 0,
  head = 0x45,
}: Shape): Buffer {
  const ip = family === 4 ? 20 : 40
  const bytes = Buffer.alloc(14 + ip + 8 + 60)
  bytes.writeUInt16BE(family === 4 ? 0x0800 : 0x86dd, 12)
  if (family === 4) {
    bytes[14] = head
    bytes.writeUInt16BE(fragment, 20)
    bytes[23] = protocol
  } else {
    bytes[14] = 0x60
    bytes[20] = protocol
  }
  bytes.writeUInt16BE(source, 14 + ip)
  bytes.writeUInt16BE(destination, 14 + ip + 2)
  return bytes
}

/** An ICMP error about a datagram, as it comes in. */
function errorAbout(quoted: Buffer, family: 4 | 6): Buffer {
  const ip = family === 4 ? 20 : 40
  const outer = frame({ family, protocol: family === 4 ? 1 : 58 }).subarray(0, 14 + ip)
  const icmp = Buffer.from([family === 4 ? 3 : 1, family === 4 ? 3 : 4, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([outer, icmp, quoted.subarray(14)])
}

describe.each([4, 6] as const)('given the programs of the kernel’s mirror, and IPv%i', (family) => {
  it('when our own datagram goes out, then it is left out, whichever of our ports it has; its neighbours are mirrored', () => {
    for (const source of [61_100, 61_103]) expect(runs('egress', frame({ family, source }))).toBe(false)
    for (const source of [61_099, 61_104]) expect(runs('egress', frame({ family, source }))).toBe(true)
    expect(runs('egress', frame({ family, destination: 4790 }))).toBe(true)
    expect(runs('egress', frame({ family, protocol: 6 }))).toBe(true)
  })

  it('when a datagram with just these ports comes in, then it is mirrored: it is somebody else’s', () => {
    expect(runs('ingress', frame({ family }))).toBe(true)
  })

  it('when an error about our datagram comes in, then it is left out; one about another is mirrored', () => {
    expect(runs('ingress', errorAbout(frame({ family }), family))).toBe(false)
    expect(runs('ingress', errorAbout(frame({ family, source: 40_000 }), family))).toBe(true)
  })

  it('when a frame is cut short, then it is mirrored', () => {
    for (const length of [13, 20, 34, 41]) expect(runs('egress', frame({ family }).subarray(0, length))).toBe(true)
  })
})

describe('given the program for what goes out', () => {
  it('when a later fragment happens to have our ports where ports would be, then it is mirrored', () => {
    expect(runs('egress', frame({ fragment: 185 }))).toBe(true)
    expect(runs('egress', frame({ fragment: 0x2000 }))).toBe(false)
  })

  it('when a datagram has IP options, then it is not ours', () => {
    expect(runs('egress', frame({ head: 0x46 }))).toBe(true)
  })

  it('when a user’s program rejects a frame, then it is not mirrored', () => {
    const rejectsAll = Buffer.from('0600000000000000', 'hex')
    const program = mirrorFilter('egress', ports, rejectsAll)
    expect(runBpf(program, { bytes: frame({ source: 1 }), mark: 0, packetType: 0 })).toBe(0)
  })
})
