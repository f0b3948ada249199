import { describe, expect, it } from 'vitest'
import { readLink } from '../../../../sidecar/linux/link.ts'
import {
  attribute,
  attributes,
  message,
  nested,
  number32,
  number32Of,
  text,
  textOf,
} from '../../../../sidecar/linux/netlink-message.ts'

describe('a netlink message', () => {
  it('is, byte by byte, what netlink(7) lays down', () => {
    const xdp = nested(43, number32(1, -1), number32(3, 4))
    const bytes = message(19, 0x05, 3, Buffer.alloc(16, 0xa5), xdp)
    expect(bytes.toString('hex')).toBe(
      [
        '34000000', // nlmsg_len: 52
        '1300', // nlmsg_type: RTM_SETLINK
        '0500', // nlmsg_flags: NLM_F_REQUEST | NLM_F_ACK
        '03000000', // nlmsg_seq
        '00000000', // nlmsg_pid: the kernel's
        'a5'.repeat(16), // struct ifinfomsg
        '1400', // nla_len: 20
        '2b80', // nla_type: IFLA_XDP | NLA_F_NESTED
        '08000100ffffffff', // IFLA_XDP_FD: -1
        '0800030004000000', // IFLA_XDP_FLAGS: XDP_FLAGS_DRV_MODE
      ].join(''),
    )
  })

  it('pads attributes to four bytes, without counting the padding', () => {
    expect(text(3, 'eth0').toString('hex')).toBe('09000300657468300000' + '0000')
    expect(attribute(20, Buffer.alloc(0)).toString('hex')).toBe('04001400')
  })

  it('is read back', () => {
    const found = attributes(Buffer.concat([text(3, 'eth0'), number32(4, 1500), nested(43, number32(4, 42))]))
    expect(textOf(found.get(3))).toBe('eth0')
    expect(number32Of(found.get(4))).toBe(1500)
    expect(number32Of(attributes(found.get(43)!).get(4))).toBe(42)
    expect(found.size).toBe(3)
  })

  it('ends where an attribute claims more bytes than there are, or fewer than its own head', () => {
    const good = number32(4, 1500)
    for (const bad of ['ff000100', '03000100', '0000', '00000000']) {
      expect([...attributes(Buffer.concat([good, Buffer.from(bad, 'hex')])).keys()]).toEqual([4])
    }
  })
})

describe('a link', () => {
  const header = Buffer.alloc(16)
  header.writeInt32LE(7, 4)
  const attached = (mode: number, id: number) => nested(43, attribute(2, Buffer.from([mode])), number32(4, id))

  it('is read from what RTM_GETLINK answers', () => {
    const body = Buffer.concat([
      header,
      text(3, 'eth0'),
      number32(4, 9000),
      text(20, 'uplink'),
      nested(18, text(1, 'veth')),
      attached(1, 42),
    ])
    expect(readLink(body)).toEqual({
      index: 7,
      kind: 'veth',
      mtu: 9000,
      alias: 'uplink',
      xdp: { mode: 'driver', programId: 42 },
      sentBytes: 0,
      unsent: 0,
    })
  })

  it.each([
    [0, 'none'],
    [1, 'driver'],
    [2, 'other'],
    [3, 'other'],
    [4, 'other'],
  ])('tells XDP in the driver from every other kind (IFLA_XDP_ATTACHED %i)', (value, mode) => {
    expect(readLink(Buffer.concat([header, attached(value, 5)])).xdp.mode).toBe(mode)
  })

  it('has no kind, no alias and no program, given an answer without these', () => {
    expect(readLink(header)).toEqual({
      index: 7,
      kind: '',
      mtu: 0,
      alias: '',
      xdp: { mode: 'none', programId: 0 },
      sentBytes: 0,
      unsent: 0,
    })
  })
})
