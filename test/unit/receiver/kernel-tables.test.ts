import { describe, expect, it } from 'vitest'
import { lossSince, readKernelLoss } from '../../../receiver/kernel-loss.ts'
import { findSocket } from '../../../receiver/socket-loss.ts'

const udp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 5737: 00000000000000000000000000000000:12B5 00000000000000000000000000000000:0000 07 00000000:00001A00 00:00000000 00000000     0        0 30562 2 00000000edeb4e01 17
 5737: 00000000000000000000000000000000:12B5 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 30563 2 00000000edeb4e02 5
`

describe('findSocket', () => {
  it('given two sockets on one port, takes the one whose inode is ours', () => {
    expect(findSocket(udp6, 4789, (inode) => inode === '30563')).toEqual({ drops: 5, queuedBytes: 0 })
    expect(findSocket(udp6, 4789, (inode) => inode === '30562')).toEqual({ drops: 17, queuedBytes: 0x1a00 })
  })

  it('given no such socket, says that it does not know', () => {
    expect(findSocket(udp6, 4790, () => true)).toBeUndefined()
    expect(findSocket(udp6, 4789, () => false)).toBeUndefined()
    expect(findSocket('', 4789, () => true)).toBeUndefined()
  })
})

const snmp = `Ip: Forwarding DefaultTTL ReasmOKs ReasmFails FragOKs
Ip: 1 64 9 3 0
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 100 1 7 50 5 0 2 0 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 0 0 0 0 0 0 99 0 0
`
const snmp6 = `Ip6ReasmFails                   	10
Udp6InErrors                    	4
Udp6InCsumErrors                	40
UdpLite6InCsumErrors            	99
`

describe('readKernelLoss', () => {
  it('adds the counters of both IP versions', () => {
    expect(readKernelLoss(snmp, snmp6)).toEqual({ outerChecksum: 42, reassembly: 13 })
  })

  it('given a machine without IPv6 or without the counter, takes it as 0', () => {
    expect(readKernelLoss(snmp, '')).toEqual({ outerChecksum: 2, reassembly: 3 })
    expect(readKernelLoss('', '')).toEqual({ outerChecksum: 0, reassembly: 0 })
  })

  it('is told as growth', () => {
    expect(lossSince({ outerChecksum: 5, reassembly: 1 }, { outerChecksum: 3, reassembly: 1 })).toEqual({
      outerChecksum: 2,
      reassembly: 0,
    })
  })
})
