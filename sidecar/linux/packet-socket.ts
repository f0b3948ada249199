/**
 * AF_PACKET sockets with a TPACKET_V3 receive ring: packet(7), Documentation/networking/packet_mmap.rst.
 * Needs CAP_NET_RAW and nothing else; ring memory does not count against RLIMIT_MEMLOCK.
 */
import {
  AF_PACKET,
  ETH_P_ALL,
  PACKET_RESERVE,
  PACKET_RX_RING,
  PACKET_STATISTICS,
  PACKET_VERSION,
  PACKET_VNET_HDR,
  SO_ATTACH_FILTER,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
  sockaddrLl,
  sockFilterLength,
  sockFprog,
  TPACKET_V3,
  tpacketReq3,
  tpacketStats3,
} from './abi.ts'
import { SyscallError } from './errno.ts'
import * as libc from './libc.ts'
import { mapAnonymous, pageSize } from './mapping.ts'
import { setOption, setOptionBytes } from './socket-options.ts'

export interface RingShape {
  /** Bytes, a multiple of the page size, which is up to 64 KiB on arm64; a frame larger than a block is cut by the kernel. */
  readonly blockSize: number
  readonly blockCount: number
  /** Milliseconds after which a block that is not full is handed over. */
  readonly retireMs: number
}

export interface RingStatistics {
  packets: number
  drops: number
  freezes: number
}

function packetSocket(): number {
  const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)
  if (fd < 0)
    throw new SyscallError('socket', libc.errno(), 'cannot open a packet socket (it needs the capability NET_RAW)')
  return fd
}

/** @throws SyscallError where packet sockets may not be opened; libpcap would say so in words alone */
export function requirePacketSocket(): void {
  libc.close(packetSocket())
}

/**
 * Opens the socket without a protocol, so that nothing is captured before `bindToInterface`.
 * tp_frame_size only matters to versions before 3; the kernel still checks that it divides the block.
 */
export function openPacketSocket(shape: RingShape): number {
  const fd = packetSocket()
  try {
    setOption(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V3, 'PACKET_VERSION')
    // Puts the network header at a multiple of 16: 96 bytes of tpacket3_hdr and sockaddr_ll, 10 of virtio_net_hdr, and
    // these 6. Checksums are summed from there in aligned words.
    setOption(fd, SOL_PACKET, PACKET_RESERVE, 6, 'PACKET_RESERVE')
    setOption(fd, SOL_PACKET, PACKET_VNET_HDR, 1, 'PACKET_VNET_HDR')
    const frameSize = 2048
    const request = Buffer.alloc(tpacketReq3.length)
    request.writeUInt32LE(shape.blockSize, tpacketReq3.blockSize)
    request.writeUInt32LE(shape.blockCount, tpacketReq3.blockCount)
    request.writeUInt32LE(frameSize, tpacketReq3.frameSize)
    request.writeUInt32LE((shape.blockSize / frameSize) * shape.blockCount, tpacketReq3.frameCount)
    request.writeUInt32LE(shape.retireMs, tpacketReq3.retireTimeoutMs)
    setOptionBytes(fd, SOL_PACKET, PACKET_RX_RING, request, 'PACKET_RX_RING')
    return fd
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

/** Starts capturing from one interface, both directions, every protocol. */
export function bindToInterface(fd: number, interfaceIndex: number, name: string): void {
  const address = Buffer.alloc(sockaddrLl.length)
  address.writeUInt16LE(AF_PACKET, sockaddrLl.family)
  address.writeUInt16BE(ETH_P_ALL, sockaddrLl.protocol)
  address.writeInt32LE(interfaceIndex, sockaddrLl.interfaceIndex)
  if (libc.bind(fd, address, address.length) < 0)
    throw new SyscallError('bind', libc.errno(), `cannot capture from ${name}`)
}

/**
 * Attaches a classic BPF program; a program that is there already is replaced in one step, without a moment between.
 * @param program struct sock_filter instructions, 8 bytes each
 */
export function attachFilter(fd: number, program: Buffer): void {
  // struct sock_fprog points to the instructions, so both must have an address: a page of our own for the call.
  const mapping = mapAnonymous(Math.ceil((sockFprog.length + program.length) / pageSize) * pageSize, 'a packet filter')
  try {
    const bytes = Buffer.from(mapping.memory.buffer)
    bytes.writeUInt16LE(program.length / sockFilterLength, sockFprog.count)
    bytes.writeBigUInt64LE(BigInt(mapping.address + sockFprog.length), sockFprog.filter)
    bytes.set(program, sockFprog.length)
    setOptionBytes(fd, SOL_SOCKET, SO_ATTACH_FILTER, bytes.subarray(0, sockFprog.length), 'SO_ATTACH_FILTER')
  } finally {
    mapping.unmap()
  }
}

const statistics = Buffer.alloc(tpacketStats3.length)
const statisticsLength = Buffer.alloc(4)

/** What the kernel counted since the last call: reading sets its counters back to zero. `packets` includes `drops`. */
export function readStatistics(fd: number, into: RingStatistics): void {
  statisticsLength.writeUInt32LE(statistics.length)
  if (libc.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, statistics, statisticsLength) < 0) {
    throw new SyscallError('getsockopt', libc.errno(), 'cannot read PACKET_STATISTICS')
  }
  into.packets = statistics.readUInt32LE(tpacketStats3.packets)
  into.drops = statistics.readUInt32LE(tpacketStats3.drops)
  into.freezes = statistics.readUInt32LE(tpacketStats3.freezes)
}
