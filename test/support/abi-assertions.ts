/**
 * Every constant and offset of sidecar/linux/abi.ts as an assertion of C++ against the kernel's own headers: a compiler
 * for the architecture in question is the judge, and needs to run nothing.
 */
import * as abi from '../../sidecar/linux/abi.ts'

/** What the layouts are called in C: the structure, and its member for each name of ours. */
const layouts: Readonly<Record<string, readonly [structure: string, members: Readonly<Record<string, string>>]>> = {
  tpacketReq3: [
    'tpacket_req3',
    {
      blockSize: 'tp_block_size',
      blockCount: 'tp_block_nr',
      frameSize: 'tp_frame_size',
      frameCount: 'tp_frame_nr',
      retireTimeoutMs: 'tp_retire_blk_tov',
      privateSize: 'tp_sizeof_priv',
      features: 'tp_feature_req_word',
    },
  ],
  blockDescriptor: [
    'tpacket_block_desc',
    { status: 'hdr.bh1.block_status', packetCount: 'hdr.bh1.num_pkts', firstPacket: 'hdr.bh1.offset_to_first_pkt' },
  ],
  tpacket3: [
    'frame_start',
    {
      nextOffset: 'header.tp_next_offset',
      seconds: 'header.tp_sec',
      nanoseconds: 'header.tp_nsec',
      snapLength: 'header.tp_snaplen',
      length: 'header.tp_len',
      status: 'header.tp_status',
      mac: 'header.tp_mac',
      net: 'header.tp_net',
      vlanTci: 'header.hv1.tp_vlan_tci',
      vlanTpid: 'header.hv1.tp_vlan_tpid',
      sockaddrPacketType: 'address.sll_pkttype',
    },
  ],
  tpacketStats3: ['tpacket_stats_v3', { packets: 'tp_packets', drops: 'tp_drops', freezes: 'tp_freeze_q_cnt' }],
  sockaddrLl: ['sockaddr_ll', { family: 'sll_family', protocol: 'sll_protocol', interfaceIndex: 'sll_ifindex' }],
  sockaddrIn: ['sockaddr_in', { family: 'sin_family', port: 'sin_port', address: 'sin_addr' }],
  sockaddrIn6: [
    'sockaddr_in6',
    {
      family: 'sin6_family',
      port: 'sin6_port',
      flowInfo: 'sin6_flowinfo',
      address: 'sin6_addr',
      scopeId: 'sin6_scope_id',
    },
  ],
  mmsghdr: [
    'mmsghdr',
    {
      iov: 'msg_hdr.msg_iov',
      iovCount: 'msg_hdr.msg_iovlen',
      control: 'msg_hdr.msg_control',
      controlLength: 'msg_hdr.msg_controllen',
      messageLength: 'msg_len',
    },
  ],
  cmsghdr: ['cmsghdr', { bytes: 'cmsg_len', level: 'cmsg_level', type: 'cmsg_type' }],
  iovec: ['iovec', { base: 'iov_base', bytes: 'iov_len' }],
  sockFprog: ['sock_fprog', { count: 'len', filter: 'filter' }],
  pollfd: ['pollfd', { fd: 'fd', events: 'events', revents: 'revents' }],
  ifreq: ['ifreq', { name: 'ifr_name', value: 'ifr_mtu' }],
}

/** Numbers that are no macro: the size of a structure. */
const sizes: Readonly<Record<string, string>> = { sockFilterLength: 'sizeof(struct sock_filter)' }

const headers = [
  'cstddef',
  'poll.h',
  'sys/eventfd.h',
  'sys/ioctl.h',
  'sys/mman.h',
  'sys/socket.h',
  'netinet/in.h',
  'netinet/udp.h',
  'net/if.h',
  'net/if_arp.h',
  'linux/filter.h',
  'linux/if_ether.h',
  'linux/if_packet.h',
]

/** One static_assert a line, after what they need. */
export function abiAssertions(): { readonly preamble: string; readonly assertions: readonly string[] } {
  const preamble = [
    ...headers.map((name) => `#include <${name}>`),
    // What the kernel puts at the start of a captured frame: TPACKET3_HDRLEN.
    'struct frame_start { struct tpacket3_hdr header; struct sockaddr_ll address __attribute__((aligned(TPACKET_ALIGNMENT))); };',
    '#define same(expression, value) static_assert((unsigned long)(expression) == value, #expression)',
  ].join('\n')
  const assertions = Object.entries(abi).flatMap(([name, value]) => {
    if (typeof value === 'number') return [`same(${sizes[name] ?? name}, ${value}UL);`]
    const layout = layouts[name]
    if (layout === undefined) throw new Error(`${name} of abi.ts has no C structure in test/support/abi-assertions.ts`)
    const [structure, members] = layout
    return Object.entries(value).map(([member, offset]) => {
      if (member === 'length' && members['length'] === undefined)
        return `same(sizeof(struct ${structure}), ${offset}UL);`
      return `same(offsetof(struct ${structure}, ${members[member] ?? `no_member_for_${member}`}), ${offset}UL);`
    })
  })
  return { preamble, assertions }
}
