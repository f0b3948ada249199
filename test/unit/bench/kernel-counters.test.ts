import { describe, expect, it } from 'vitest'
import { residentMb, sentSegments } from '../../../bench/kernel-counters.ts'

const snmp = `Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm RtoMin InSegs OutSegs RetransSegs InErrs
Tcp: 1 200 5 1000 7 0
Udp: InDatagrams
Udp: 3
`

describe("the kernel's counters", () => {
  it('given /proc/net/snmp, are the segments that TCP sent, again or for the first time', () => {
    expect(sentSegments(snmp)).toBe(1007)
    expect(() => sentSegments('Udp: a\nUdp: 1\n')).toThrow('no OutSegs of TCP')
  })

  it('given a process, are its resident megabytes; given one that has ended, none', () => {
    expect(residentMb(process.pid)).toBeGreaterThan(10)
    expect(residentMb(2 ** 30)).toBe(0)
  })
})
