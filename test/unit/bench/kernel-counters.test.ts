import { describe, expect, it } from 'vitest'
import { receivedFrames, residentMb, sentSegments } from '../../../bench/kernel-counters.ts'

const devices = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       8       2    0    0    0     0          0         0        8       2    0    0    0     0       0          0
  eth0: 12345678   1234    0    0    0     0          0         0     9999      77    0    0    0     0       0          0
`
const snmp = `Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm RtoMin InSegs OutSegs RetransSegs InErrs
Tcp: 1 200 5 1000 7 0
Udp: InDatagrams
Udp: 3
`

describe("the kernel's counters", () => {
  it('given /proc/net/dev, are frames that an interface received', () => {
    expect(receivedFrames(devices, 'eth0')).toBe(1234)
    expect(() => receivedFrames(devices, 'eth1')).toThrow('no eth1')
  })

  it('given /proc/net/snmp, are the segments that TCP sent, again or for the first time', () => {
    expect(sentSegments(snmp)).toBe(1007)
    expect(() => sentSegments('Udp: a\nUdp: 1\n')).toThrow('no OutSegs')
  })

  it('given a process, are its resident megabytes; given one that has ended, none', () => {
    expect(residentMb(process.pid)).toBeGreaterThan(10)
    expect(residentMb(2 ** 30)).toBe(0)
  })
})
