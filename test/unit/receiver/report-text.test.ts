import { describe, expect, it } from 'vitest'
import { addressText, endText, peerText } from '../../../receiver/address-text.ts'
import type { Report } from '../../../receiver/report.ts'
import { protocolText } from '../../../receiver/report.ts'
import {
  bytesText,
  coloured,
  faultLines,
  flowLines,
  plain,
  progressLine,
  totalsLines,
} from '../../../receiver/report-text.ts'
import { screenLines } from '../../../receiver/screen.ts'

const flow = {
  vni: 42,
  protocol: 'TCP',
  a: '10.0.0.1:1',
  b: '10.0.0.2:2',
  framesAToB: 3,
  framesBToA: 4,
  bytes: 5000,
  faults: 0,
}
const now: Report = {
  listening: '[::]:4789',
  seconds: 12,
  datagrams: 3000,
  bytes: 3_000_000,
  verified: 2990,
  fragments: 3,
  unverifiable: 2,
  faulty: 5,
  faults: { tcp_checksum: 4, vxlan_flags: 1 },
  oversize: 6,
  lostAtSocket: 0,
  lostInKernel: { outerChecksum: 0, reassembly: 0 },
  flows: 1,
  flowsEvicted: 0,
  topFlows: [flow, { ...flow, faults: 1 }],
}

describe('texts for the operator', () => {
  it('tell the rate since the line before', () => {
    const line = progressLine(now, { ...now, seconds: 10, datagrams: 1000, bytes: 2_000_000 })
    expect(line).toBe(
      '12 s: 3000 datagrams, 3.0 MB, 1000/s, 4.0 Mbit/s, 1 flows, 5 faulty, 6 oversize, lost at this socket 0',
    )
  })

  it('say what is not known, and what the kernel refused', () => {
    const text = totalsLines({ ...now, lostAtSocket: null, lostInKernel: { outerChecksum: 7, reassembly: 8 } }, plain)
    expect(text.join('\n')).toMatch(/lost at this socket unknown/)
    expect(text.join('\n')).toMatch(/outer UDP checksum refused by the kernel 7 .*\nouter fragments not reassembled 8/)
  })

  it('name each fault with its count and its sentence', () => {
    expect(faultLines(now, plain)).toEqual([
      expect.stringMatching(/^tcp_checksum 4: the TCP checksum is wrong/),
      expect.stringMatching(/^vxlan_flags 1: the VXLAN flags are not 0x08/),
    ])
  })

  it('have no escape sequence without colour', () => {
    const lines = [...totalsLines(now, plain), ...faultLines(now, plain), ...flowLines(now.topFlows, 80, plain)]
    expect(lines.join('')).not.toContain('\x1b')
    expect(flowLines(now.topFlows, 80, coloured).join('')).toContain(coloured.bad)
  })

  it('fit a screen, whatever its size', () => {
    const many = { ...now, topFlows: new Array(100).fill(flow) }
    for (let rows = 1; rows < 60; rows++) {
      expect(screenLines(many, 80, rows, plain).length).toBeLessThanOrEqual(rows)
      for (const line of flowLines(many.topFlows, 80, plain)) expect(line.length).toBeLessThanOrEqual(80)
    }
    expect(screenLines(many, 80, 40, plain).filter((line) => line.includes('42 TCP'))).toHaveLength(33)
  })

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_999, '1.0 MB'],
    [1e18, '1000.0 PB'],
  ])('write %d bytes as %s', (bytes, text) => expect(bytesText(bytes)).toBe(text))

  it.each([
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['00000000000000000000000000000000', '::'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['fe800000000000000000000000000000', 'fe80::'],
    ['0a000001', '10.0.0.1'],
    ['02000000000b', '02:00:00:00:00:0b'],
  ])('write the address %s as %s', (bytes, text) => expect(addressText(Buffer.from(bytes, 'hex'))).toBe(text))

  it('put an IPv6 address with a port into brackets, and show an IPv4 peer of a dual-stack socket as IPv4', () => {
    expect(endText(Buffer.from('20010db8000000000000000000000001', 'hex'), 53)).toBe('[2001:db8::1]:53')
    expect(peerText('::ffff:10.0.0.1')).toBe('10.0.0.1')
    expect(peerText('fd00::1')).toBe('fd00::1')
  })

  it.each([
    [{ ipVersion: 4, protocol: 6 }, 'TCP'],
    [{ ipVersion: 6, protocol: 253 }, 'IP 253'],
    [{ ipVersion: 0, protocol: 0x0806 }, 'ARP'],
    [{ ipVersion: 0, protocol: 0x22f3 }, '0x22f3'],
    [{ ipVersion: 0, protocol: 38 }, 'LLC'],
  ])('name the protocol of %o %s', (known, text) => expect(protocolText(known)).toBe(text))
})
