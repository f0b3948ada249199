/**
 * Datagrams that nobody should send, through a real UDP socket on loopback: each is counted under its code, none stops
 * the receiver, none is missing.
 */
import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, it } from 'vitest'
import { Console } from '../../../receiver/console.ts'
import type { FaultCode } from '../../../receiver/faults.ts'
import { listen } from '../../../receiver/listen.ts'
import type { ReceiveOptions } from '../../../receiver/options.ts'
import type { Report } from '../../../receiver/report.ts'
import { startSession } from '../../../receiver/session.ts'
import * as packets from '../../support/vxlan-datagrams.ts'

const { corruptEnd, extended6, hex, icmp4, patch, sctp4, tcp4, tcp6, udp4, udp6, vxlan } = packets

const base: ReceiveOptions = {
  address: '127.0.0.1',
  port: 0,
  intervalSeconds: 60,
  top: 10,
  json: false,
  strict: false,
  bufferBytes: 4 << 20,
}

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Sends each datagram once, in order, and returns the receiver's last report and lines. */
async function exchange(datagrams: Uint8Array[], options: Partial<ReceiveOptions> = {}) {
  const settings = { ...base, count: datagrams.length, ...options }
  const lines: string[] = []
  const output = { write: (text: string) => lines.push(text) }
  const listener = await listen(settings.address, settings.port, settings.bufferBytes)
  const session = startSession(settings, listener, new Console(settings, output, output, {}), undefined)
  closers.push(() => {
    session.stop()
    return session.ended
  })
  const sender = createSocket(settings.address.includes(':') ? 'udp6' : 'udp4')
  closers.push(() => new Promise<void>((done) => sender.close(done)))
  const port = listener.socket.address().port
  for (const datagram of datagrams) {
    await new Promise<void>((done, fail) =>
      sender.send(datagram, port, settings.address, (error) => (error === null ? done() : fail(error))),
    )
  }
  const last: Report = await session.ended
  return { last, lines }
}

/** Bytes that look like anything; the same ones every time. */
function noise(length: number): Uint8Array {
  let state = 12345
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return state >>> 24
  })
}

const hostile: [string, Uint8Array, FaultCode][] = [
  ['an empty datagram', hex(''), 'vxlan_short'],
  ...[1, 2, 3, 4, 5, 6, 7].map((n): [string, Uint8Array, FaultCode] => [
    `${n} bytes`,
    vxlan(tcp4).slice(0, n),
    'vxlan_short',
  ]),
  ['a VXLAN header alone', vxlan(hex('')), 'ethernet_short'],
  ['no VNI flag', patch(vxlan(tcp4), 0, '00'), 'vxlan_flags'],
  ['every flag', patch(vxlan(tcp4), 0, 'ff'), 'vxlan_flags'],
  ['a group policy (GBP)', patch(vxlan(tcp4), 0, '88001234'), 'vxlan_flags'],
  ['every reserved bit', patch(patch(vxlan(tcp4), 1, 'ffffff'), 7, 'ff'), 'vxlan_reserved'],
  ['a tag at the end', vxlan(hex('02000000000b 02000000000a 8100')), 'vlan_short'],
  ['forty tags and an end', vxlan(hex(`02000000000b 02000000000a ${'88a80001'.repeat(40)} 8100`)), 'vlan_short'],
  ['IPv4 of one byte', vxlan(tcp4.slice(0, 15)), 'ipv4_short'],
  ['IPv4 that says version 0', vxlan(patch(tcp4, 14, '05')), 'ipv4_version'],
  ['IPv4 with a header length of 0', vxlan(patch(tcp4, 14, '40')), 'ipv4_header_length'],
  ['IPv4 that claims 65,535 bytes', vxlan(patch(tcp4, 16, 'ffff')), 'ipv4_total_length'],
  ['IPv4 that claims 0 bytes', vxlan(patch(tcp4, 16, '0000')), 'ipv4_total_length'],
  ['IPv4 of zeros behind its first bytes', vxlan(patch(tcp4, 18, '00'.repeat(41))), 'ipv4_checksum'],
  ['IPv6 that claims 65,535 bytes', vxlan(patch(udp6, 18, 'ffff')), 'ipv6_payload_length'],
  [
    'IPv6 with a jumbo payload of 4 GiB',
    vxlan(patch(patch(extended6, 18, '000000'), 54, '1100c204ffffffff')),
    'ipv6_payload_length',
  ],
  ['extension headers without an end', vxlan(patch(extended6, 54, '3c00'.repeat(10))), 'ipv6_extension'],
  ['an authentication header beyond the packet', vxlan(patch(patch(extended6, 20, '33'), 55, 'ff')), 'ipv6_extension'],
  [
    'a fragment header of half a length',
    vxlan(patch(patch(patch(udp6, 20, '2c'), 18, '0007'), 54, '11')),
    'ipv6_extension',
  ],
  ['TCP with a header length of 60', vxlan(patch(tcp6, 66, 'f0')), 'tcp_header_length'],
  ['UDP that claims 65,535 bytes', vxlan(patch(udp4, 38, 'ffff')), 'udp_length'],
  ['UDP that claims 0 bytes', vxlan(patch(udp6, 58, '0000')), 'udp_length'],
  ['SCTP with another last byte', vxlan(corruptEnd(sctp4)), 'sctp_checksum'],
  ['ICMP with another last byte', vxlan(corruptEnd(icmp4)), 'icmp_checksum'],
  ['65,507 bytes of noise', noise(65507), 'vxlan_flags'],
  ['65,499 bytes of noise in VXLAN, as IPv4', vxlan(patch(noise(65499), 12, '0800 45')), 'ipv4_checksum'],
]

describe('the receiver on a socket', () => {
  it.each(hostile)('given %s, counts it and names the fault once', async (_, datagram, code) => {
    const { last, lines } = await exchange([datagram, vxlan(tcp4), datagram])
    expect(last).toMatchObject({ datagrams: 3, faulty: 2, verified: 1, faults: { [code]: 2 }, lostAtSocket: 0 })
    expect(Object.keys(last.faults)).toEqual([code])
    expect(lines.filter((line) => line.startsWith(`fault ${code}: `))).toHaveLength(1)
  })

  it('given all of them and every truncation of a sound frame in one stream, loses none', async () => {
    const cuts = Array.from({ length: vxlan(tcp6).length }, (_, length) => vxlan(tcp6).slice(0, length))
    const datagrams = [...hostile.map(([, datagram]) => datagram), ...cuts, vxlan(udp4)]
    const { last } = await exchange(datagrams)
    const counted = Object.values(last.faults).reduce((sum, count) => sum + count, 0)
    expect(last).toMatchObject({
      datagrams: datagrams.length,
      faulty: datagrams.length - 1,
      verified: 1,
      lostAtSocket: 0,
    })
    expect(counted).toBe(last.faulty)
    expect(last.bytes).toBe(datagrams.reduce((sum, datagram) => sum + datagram.length, 0))
  })

  it('given a datagram above 9248 bytes, warns of it without calling it faulty', async () => {
    const padded = new Uint8Array(9249)
    padded.set(vxlan(udp4))
    const { last } = await exchange([padded, padded.slice(0, 9248)])
    expect(last).toMatchObject({ oversize: 1, faulty: 0, verified: 2 })
  })

  it('given another VNI than the expected one, still shows whose frame it was', async () => {
    const { last } = await exchange([vxlan(udp4, 7)], { vni: 42 })
    expect(last.faults).toEqual({ vxlan_vni: 1 })
    expect(last.topFlows).toMatchObject([{ vni: 7, protocol: 'UDP', a: '10.0.0.1:40000', faults: 1 }])
  })

  it('given more than its socket can hold, tells how many were lost: received and lost are what was sent', async () => {
    const listener = await listen('127.0.0.1', 0, 1)
    const output = { write: () => true }
    const session = startSession(base, listener, new Console(base, output, output, {}), undefined)
    const sender = createSocket('udp4')
    closers.push(() => new Promise<void>((done) => sender.close(done)))
    const port = listener.socket.address().port
    const sent = 500
    // Not awaited one by one: this thread, which also reads, does not get to it before all have been sent.
    const all = Array.from({ length: sent }, () => {
      return new Promise<void>((done) => sender.send(vxlan(tcp4), port, '127.0.0.1', () => done()))
    })
    await Promise.all(all)
    session.stop()
    const last = await session.ended
    expect(last.lostAtSocket).toBeGreaterThan(0)
    expect(last.datagrams + last.lostAtSocket!).toBe(sent)
  })

  it('when asked to stop, still counts what waits in the socket', async () => {
    const listener = await listen('127.0.0.1', 0, base.bufferBytes)
    const output = { write: () => true }
    const sender = createSocket('udp4')
    closers.push(() => new Promise<void>((done) => sender.close(done)))
    const session = startSession(base, listener, new Console(base, output, output, {}), undefined)
    const port = listener.socket.address().port
    // In one go, so that the end is asked for while most of them still wait.
    const sent = 3000
    for (let i = 0; i < sent; i++) sender.send(vxlan(tcp4), port, '127.0.0.1')
    session.stop()
    session.stop()
    const last = await session.ended
    expect(last.datagrams).toBeGreaterThan(0)
    expect(last.datagrams + last.lostAtSocket!).toBe(sent)
    expect(last.verified).toBe(last.datagrams)
  })
})

describe('listen', () => {
  it('given a port that is taken, names it and what to do', async () => {
    const first = await listen('127.0.0.1', 0, 1 << 20)
    closers.push(() => new Promise<void>((done) => first.socket.close(done)))
    const { port } = first.socket.address()
    await expect(listen('127.0.0.1', port, 1 << 20)).rejects.toThrow(
      new RegExp(`UDP port ${port}: another program has it .* --port`),
    )
  })

  it("given an address that is not this machine's, says so", async () => {
    await expect(listen('192.0.2.1', 0, 1 << 20)).rejects.toThrow(/192\.0\.2\.1: this machine has no such address/)
  })

  it('given a link-local address without its interface, says what is missing', async () => {
    await expect(listen('fe80::1', 0, 1 << 20)).rejects.toThrow(/fe80::1: .* needs its interface, as in fe80::1%eth0/)
  })
})
