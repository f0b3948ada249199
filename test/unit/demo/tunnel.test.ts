import { isIPv6 } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layersOf } from '../../../demo/compare/layers.ts'
import { hexAddress, tunnelOf } from '../../../demo/compare/tunnel.ts'

const ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
const pod = [10, 88, 1, 10]
const sensor = [10, 88, 1, 12]
const other = [10, 88, 1, 13]

function ipv4(protocol: number, source: number[], destination: number[], payload: number[], fragment = 0): number[] {
  const length = 20 + payload.length
  return [
    0x45,
    0,
    length >> 8,
    length & 255,
    0,
    1,
    fragment >> 8,
    fragment & 255,
    64,
    protocol,
    0,
    0,
    ...source,
    ...destination,
    ...payload,
  ]
}

const udp = [0xc0, 0, 0x12, 0xb5, 0, 16, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0]
const isTunnel = tunnelOf(['10.88.1.10', 'fd88::10'], ['10.88.1.12', 'fd88::12'])
const judged = (packet: number[]) => {
  const frame = Uint8Array.from([...ethernet, ...packet])
  return isTunnel(frame, layersOf(frame))
}

describe('telling the tunnel from the traffic of the pod', () => {
  it('knows its datagrams and their later fragments', () => {
    expect(judged(ipv4(17, pod, sensor, udp))).toBe(true)
    expect(judged(ipv4(17, pod, sensor, [1, 2, 3, 4], 0x00b9))).toBe(true)
  })

  it('knows ICMP errors that quote a datagram of the tunnel', () => {
    const about = (packet: number[], type = 3) => ipv4(1, sensor, pod, [type, 3, 0, 0, 0, 0, 0, 0, ...packet])
    expect(judged(about(ipv4(17, pod, sensor, udp)))).toBe(true)
    expect(judged(about(ipv4(17, pod, other, udp)))).toBe(false)
    expect(judged(about(ipv4(17, pod, sensor, udp), 8))).toBe(false)
  })

  it('takes everything else for traffic, TCP to the sensor and UDP from it included', () => {
    expect(judged(ipv4(17, pod, other, udp))).toBe(false)
    expect(judged(ipv4(17, sensor, pod, udp))).toBe(false)
    expect(judged(ipv4(6, pod, sensor, udp))).toBe(false)
  })
})

describe('an address as bare hex', () => {
  it('is what the header holds, whether the text is short or long', () => {
    expect(hexAddress('10.88.1.10')).toBe('0a58010a')
    expect(hexAddress('fd88:0:0:1::10')).toBe('fd880000000000010000000000000010')
    expect(hexAddress('::1')).toBe('1'.padStart(32, '0'))
  })

  it('has 32 digits for every IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        fc.pre(isIPv6(address) && !address.includes('.'))
        expect(hexAddress(address)).toMatch(/^[0-9a-f]{32}$/i)
      }),
      { seed: 1 },
    )
  })
})
